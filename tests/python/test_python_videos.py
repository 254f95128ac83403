"""Videos of the Python binding: frames and times in, what is wrong with them, messages that hold them."""

import pytest
from binding import MODEL

import lmm


def frame(shade, width=4, height=3):
    return lmm.Image.from_pixels(bytes([shade] * (width * height * 3)), width, height)


def test_frames_and_times():
    video = lmm.Video.from_frames([frame(1), frame(2), frame(3)], [0.5, 1, 2.0])
    assert (video.frames, video.seconds) == (3, 1.5)
    assert repr(video) == "<lmm.Video 3 frames, 1.500 s>"
    sample = lmm.Video.from_sample((frame(i) for i in range(2)), [3, 10], 11, 2)
    assert (sample.frames, sample.seconds) == (2, 3.5)


def test_frames_may_be_given_as_pictures_may():
    np = pytest.importorskip("numpy")
    video = lmm.Video.from_frames(np.zeros((2, 3, 4, 3), np.uint8), np.array([0.0, 1.0]))
    assert video.frames == 2


@pytest.mark.parametrize("frames, seconds, part", [
    ([], [], "no frames"), ([frame(1), frame(2, width=5)], [0, 1], "5 x 3"), ([frame(1)] * 2, [1, 0.5], "before the 1 s"),
    ([frame(1)], [float("nan")], "nan"), ([frame(1)], [-1], "-1 s")])
def test_what_makes_no_video(frames, seconds, part):
    with pytest.raises(lmm.InvalidArgument, match=part):
        lmm.Video.from_frames(frames, seconds)


def test_counts_and_types():
    with pytest.raises(ValueError, match="2 frames and 1 times"):
        lmm.Video.from_frames([frame(1)] * 2, [0])
    with pytest.raises(ValueError, match="1 frames and 2 indices"):
        lmm.Video.from_sample([frame(1)], [0, 1], 2, 1)
    with pytest.raises(lmm.InvalidArgument, match="expected 0 to 1"):
        lmm.Video.from_sample([frame(1)], [2], 2, 1)
    with pytest.raises(TypeError):
        lmm.Video.from_frames([3], [0])
    with pytest.raises(TypeError):
        lmm.Video()


def test_messages_and_histories_hold_them():
    video = lmm.Video.from_frames([frame(1)], [0])
    message = lmm.Message(["Before", video, frame(2), "what?"])
    assert message.videos == (video,) and len(message.images) == 1 and message.text == "Beforewhat?"
    with lmm.Model.load(MODEL) as model, lmm.Session(model) as session:
        session.history = [("user", message), ("assistant", "Nothing.")]
        back = session.history[0].message
        del message, video
        assert [type(part).__name__ for part in back.parts] == ["str", "Video", "Image", "str"]
        assert back.videos[0].frames == 1


def test_a_model_without_videos_says_so():
    with lmm.Model.load(MODEL) as model:
        assert not model.info.sees_videos
        with pytest.raises(lmm.Unsupported, match="takes no videos"):
            model.sample_frames(100, 25)
        with pytest.raises(lmm.Unsupported, match="video"), lmm.Session(model) as session:
            session.ask([lmm.Video.from_frames([frame(1)], [0]), "What?"])
