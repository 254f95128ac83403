"""What transformers makes of videos: pixels, prompts, intermediates and tokens of Qwen's families.

The reference of videos is a process of its own, as it had to be while the tests' own process was kept without torchvision. This module holds both ends:
VideoReference and RemoteModel ask, `main` answers.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from torchvision_here import require


class VideoReference:
    """The process. Tensors come back through a file."""

    def __init__(self):
        require()
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, call, **more):
        """The answer; an exception there is {"error": its text}."""
        out = os.path.join(self.folder.name, "out.safetensors")
        self.process.stdin.write(json.dumps(dict(call=call, out=out, **more)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the reference of videos ended"
        return json.loads(line)

    def tensors(self, call, **more):
        from safetensors.torch import load_file

        answer = self.ask(call, **more)
        assert "error" not in answer, answer
        return load_file(os.path.join(self.folder.name, "out.safetensors")), answer

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0
        self.folder.cleanup()


class RemoteModel:
    """As qwen_vl_checkpoints.QwenReference, with videos: (frames, fps) or (frames, fps, indices, total) each, of files."""

    def __init__(self, reference, folder, dtype="float32"):
        self.reference, self.key = reference, dict(folder=str(folder), dtype=dtype)
        self.end = set(self.ask("model")["end"])

    def ask(self, call, **more):
        answer = self.reference.ask(call, **self.key, **more)
        assert "error" not in answer, answer
        return answer

    def render(self, messages):
        return self.ask("render", messages=messages)["text"]

    def inputs(self, text, pictures=(), videos=(), sounds=()):
        """Whatever is asked of the other calls, with input_ids and positions beside it."""
        job = dict(text=text, pictures=[str(path) for path in pictures], videos=[spelled(video) for video in videos])
        job |= dict(sounds=[str(path) for path in sounds]) if sounds else {}
        tensors, _ = self.reference.tensors("inputs", **self.key, **job)
        return tensors | {"job": job}

    def trace(self, inputs):
        return self.reference.tensors("trace", **self.key, **inputs["job"])[0]

    def logits(self, inputs, new_tokens=()):
        return self.reference.tensors("logits", **self.key, **inputs["job"], new_tokens=list(new_tokens))[0]["logits"]

    def greedy(self, inputs, max_new_tokens):
        return self.ask("greedy", **inputs["job"], max_new_tokens=max_new_tokens)["ids"]

    def decode(self, ids):
        return self.ask("decode", ids=list(ids))["text"]


def spelled(video):
    frames, fps, *choice = video
    indices, total = choice or (list(range(len(frames))), 0)
    return dict(frames=[str(path) for path in frames], fps=fps, indices=[int(i) for i in indices], total=total)


# The other end


def main():
    import numpy as np
    import torch
    from PIL import Image
    from safetensors.torch import save_file
    from transformers import AutoVideoProcessor
    from transformers.image_utils import load_image
    from transformers.video_utils import VideoMetadata

    import omni_checkpoints as omni
    import qwen_vl_checkpoints as qwen

    def array(video):
        return np.stack([np.asarray(load_image(Image.open(path))) for path in video["frames"]])

    def metadata(video):
        frames = len(video["frames"])
        known = video["fps"] if video["total"] or frames > 1 else None  # one frame's time tells no rate
        return VideoMetadata(total_num_frames=video["total"] or frames, fps=known, frames_indices=video["indices"],
                             height=1, width=1)

    def video_kwargs(videos):
        chosen = {bool(video["total"]) for video in videos}
        assert len(chosen) == 1, "transformers samples all videos of a call or none"
        # A frame 1 or 3 pixels high would be taken for one whose channels come first.
        kwargs = dict(video_metadata=[metadata(video) for video in videos], input_data_format="channels_last")
        return kwargs | (dict(do_sample_frames=False) if True in chosen else {})

    class Model(qwen.QwenReference):
        def make_processor(self):
            plain = super().make_processor()
            kind = type(plain)
            processor = kind(plain.image_processor, plain.tokenizer, AutoVideoProcessor.from_pretrained(self.folder),
                             chat_template=plain.chat_template)
            return processor

        def inputs(self, text, pictures=(), videos=()):
            images = [load_image(Image.open(path)) for path in pictures] or None
            more = dict(videos=[array(video) for video in videos], videos_kwargs=video_kwargs(videos)) if videos else {}
            made = self.processor(text=[text], images=images, return_tensors="pt", **more)
            wanted = ("input_ids", "pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw", "second_per_grid_ts",
                      "mm_token_type_ids")
            return {name: made[name] for name in wanted if name in made and (images or videos or name == "input_ids")}

        def positions(self, inputs):
            rest = {name: value for name, value in inputs.items() if "pixel" not in name}
            return self.model.model.get_rope_index(**rest)[0] if "mm_token_type_ids" in rest else torch.zeros(0)

    class OmniModel(omni.OmniReference):
        """With the rate of the frames, which its processor does not take from them."""

        def make_processor(self):
            return super().make_processor(AutoVideoProcessor.from_pretrained(self.folder))

        def inputs(self, text, pictures=(), videos=(), sounds=()):
            if not videos:
                return super().inputs(text, pictures, sounds)
            known = video_kwargs(videos)
            rates = {one.fps and len(video["frames"]) / one.total_num_frames * one.fps for one, video in zip(known["video_metadata"], videos)}
            assert len(rates) == 1, "transformers takes one rate for all videos of a call"
            return super().inputs(text, pictures, sounds, videos=[array(video) for video in videos], videos_kwargs=known | {"fps": rates.pop()})

    models = {}

    def model(job):
        key = (job["folder"], job["dtype"])
        if key not in models:
            if len(models) > 2:
                models.pop(next(iter(models)))
            hears = json.loads((pathlib.Path(job["folder"]) / "config.json").read_text())["model_type"].startswith("qwen2_5_omni")
            models[key] = (OmniModel if hears else Model)(job["folder"], getattr(torch, job["dtype"]))
        return models[key]

    def inputs(job):
        return model(job).inputs(job["text"], job["pictures"], job["videos"], *([job["sounds"]] if job.get("sounds") else []))

    def save(job, tensors):
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, job["out"])

    def pixels(job):
        processor = AutoVideoProcessor.from_pretrained(job["folder"])
        made = processor([array(job["video"])], return_metadata=True, return_tensors="pt", **video_kwargs([job["video"]]))
        save(job, {"pixel_values": made["pixel_values_videos"].to(torch.float32), "grid": made["video_grid_thw"]})
        seen = made["video_metadata"][0]
        return dict(indices=[int(i) for i in seen.frames_indices], sampled_fps=seen.sampled_fps, kind=type(processor).__name__)

    def sample(job):
        processor = AutoVideoProcessor.from_pretrained(job["folder"])
        known = VideoMetadata(total_num_frames=job["total"], fps=job["fps"], frames_indices=list(range(job["total"])))
        if not processor.do_sample_frames:
            return dict(indices=list(range(job["total"])))
        found = processor.sample_frames(known, num_frames=processor.num_frames, fps=processor.fps)
        return dict(indices=[int(i) for i in found])

    def trace(job):
        given = inputs(job)
        seen = model(job).trace(given)
        if "pixel_values_videos" in given:
            seen["pixel_values"] = given["pixel_values_videos"].to(model(job).model.dtype).float()
        if given.get("pixel_values") is not None and "pixel_values_videos" in given:  # the tower ran twice, pictures first
            seen = {name: tensor for name, tensor in seen.items() if not name.startswith(("vision.", "connector", "pixel_values"))}
        save(job, seen)
        return {}

    def show_inputs(job):
        given = inputs(job)
        save(job, {"input_ids": given["input_ids"], "positions": model(job).positions(given)})
        return {}

    def logits(job):
        save(job, {"logits": model(job).logits(inputs(job), job["new_tokens"])})
        return {}

    calls = {
        "model": lambda job: dict(end=sorted(model(job).end)),
        "render": lambda job: dict(text=model(job).render(job["messages"])),
        "decode": lambda job: dict(text=model(job).decode(job["ids"])),
        "greedy": lambda job: dict(ids=model(job).greedy(inputs(job), job["max_new_tokens"])),
        "inputs": show_inputs, "trace": trace, "logits": logits, "pixels": pixels, "sample": sample,
    }
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is printed meanwhile is no answer
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = calls[job["call"]](job)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
