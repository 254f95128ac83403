"""What transformers makes of videos: the frames that it chooses, their pixels, and the models of Qwen's families with videos.

A video is (frames, fps) or, of a choice from a longer one, (frames, fps, indices, total); frames are files.
"""
import functools
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from transformers import AutoVideoProcessor
from transformers.image_utils import load_image
from transformers.video_utils import VideoMetadata

import omni_checkpoints as omni
import qwen_vl_checkpoints as qwen
from torchvision_here import require

require()


def spelled(video):
    """By name, as the drivers take it."""
    frames, fps, *choice = video
    indices, total = choice or (list(range(len(frames))), 0)
    return dict(frames=[str(path) for path in frames], fps=fps, indices=[int(i) for i in indices], total=total)


def array(video):
    return np.stack([np.asarray(load_image(Image.open(path))) for path in video[0]])


def metadata(video):
    named = spelled(video)
    frames, total = len(named["frames"]), named["total"]
    known = named["fps"] if total or frames > 1 else None  # one frame's time tells no rate
    total = total or frames
    return VideoMetadata(total_num_frames=total, fps=known, duration=known and total / known, frames_indices=named["indices"], height=1, width=1)


def processor_kwargs(videos):
    chosen = {len(video) > 2 for video in videos}
    assert len(chosen) == 1, "transformers samples all videos of a call or none"
    # A frame 1 or 3 pixels high would be taken for one whose channels come first.
    kwargs = dict(video_metadata=[metadata(video) for video in videos], input_data_format="channels_last")
    return kwargs | (dict(do_sample_frames=False) if True in chosen else {})


def pixels(folder, video):
    """pixel_values, their grid, the metadata with the frames chosen, and the class of the processor."""
    processor = AutoVideoProcessor.from_pretrained(folder)
    made = processor([array(video)], return_metadata=True, return_tensors="pt", **processor_kwargs([video]))
    return made["pixel_values_videos"].float().numpy(), made["video_grid_thw"].tolist(), made["video_metadata"][0], type(processor).__name__


def sampled_frames(folder, total, fps):
    processor = AutoVideoProcessor.from_pretrained(folder)
    if not processor.do_sample_frames:
        return list(range(total))
    known = VideoMetadata(total_num_frames=total, fps=fps, frames_indices=list(range(total)))
    return [int(i) for i in processor.sample_frames(known, num_frames=processor.num_frames, fps=processor.fps)]


class WithVideos:
    """Of a QwenReference: its traces with videos."""

    def trace(self, inputs):
        seen = super().trace(inputs)
        if "pixel_values_videos" not in inputs:
            return seen
        if "pixel_values" in inputs:  # the tower ran twice, pictures first
            return {name: tensor for name, tensor in seen.items() if not name.startswith(("vision.", "connector", "pixel_values"))}
        return seen | {"pixel_values": inputs["pixel_values_videos"].to(self.model.dtype).float()}


class QwenModel(WithVideos, qwen.QwenReference):
    def inputs(self, text, pictures=(), videos=()):
        images = [load_image(Image.open(path)) for path in pictures] or None
        more = dict(videos=[array(video) for video in videos], videos_kwargs=processor_kwargs(videos)) if videos else {}
        made = self.processor(text=[text], images=images, return_tensors="pt", **more)
        wanted = ("input_ids", "pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw", "second_per_grid_ts", "mm_token_type_ids")
        return {name: made[name] for name in wanted if name in made and (images or videos or name == "input_ids")}


class OmniModel(WithVideos, omni.OmniReference):
    """With the rate of the frames, which its processor does not take from them."""

    def inputs(self, text, pictures=(), videos=(), sounds=()):
        if not videos:
            return super().inputs(text, pictures, sounds)
        known = processor_kwargs(videos)
        rates = {one.fps and len(video[0]) / one.total_num_frames * one.fps for one, video in zip(known["video_metadata"], videos)}
        assert len(rates) == 1, "transformers takes one rate for all videos of a call"
        return super().inputs(text, pictures, sounds, videos=[array(video) for video in videos], videos_kwargs=known | {"fps": rates.pop()})


@functools.lru_cache(maxsize=3)
def model(folder, dtype=torch.float32):
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    return (OmniModel if config["model_type"].startswith("qwen2_5_omni") else QwenModel)(folder, dtype)
