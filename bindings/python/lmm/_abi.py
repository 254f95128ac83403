"""The C interface of lmm, capi/lmm.h, as ctypes sees it. A test holds it against the header."""

from __future__ import annotations

from ctypes import CDLL, CFUNCTYPE, POINTER, Structure
from ctypes import c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any

VERSION = (0, 1)  # major and minor of the header; before 1.0 another minor is another interface

OK = 0
STOP, GO_ON = 0, 1
PIXEL_FORMATS = {"rgb": 0, "bgr": 1, "rgba": 2, "bgra": 3, "gray": 4}
SAMPLE_FORMATS = {"f32": 0, "s16": 1}
PART_TEXT, PART_IMAGE, PART_VIDEO, PART_AUDIO = 1, 2, 3, 4
SPEECH_TIMES = ("none", "segments", "words")
DTYPES = ("auto", "fp32", "bf16", "fp16")
WEIGHT_TYPES = ("full", "int8", "int4")
LOG_LEVELS = ("debug", "info", "warning")
FINISH_REASONS = ("eos", "stop", "length", "cancelled")
RUNNING, DONE, FAILED = 0, 1, 2


def _object(name: str) -> Any:
    """Pointer to an object that only the library looks into; of a type of its own, so that ctypes tells them apart."""
    return POINTER(type(name, (Structure,), {}))


def out(kind: Any) -> Any:
    return POINTER(kind)


Error = _object("lmm_error")
Text = _object("lmm_text")
Image = _object("lmm_image")
Video = _object("lmm_video")
Audio = _object("lmm_audio")
Message = _object("lmm_message")
History = _object("lmm_history")
LoadOptions = _object("lmm_load_options")
Info = _object("lmm_info")
Model = _object("lmm_model")
Tokenizer = _object("lmm_tokenizer")
Tokens = _object("lmm_tokens")
SessionOptions = _object("lmm_session_options")
GenerateOptions = _object("lmm_generate_options")
Reply = _object("lmm_reply")
Session = _object("lmm_session")
Pending = _object("lmm_pending")
ListenOptions = _object("lmm_listen_options")
Listener = _object("lmm_listener")
Utterance = _object("lmm_utterance")
Allocator = _object("lmm_allocator")  # always NULL here: malloc and free

OnProgress = CFUNCTYPE(c_int32, c_void_p, c_char_p, c_int64, c_int64)
OnLog = CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_size_t)
OnTap = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, out(c_int64), c_size_t, out(c_float))
OnPiece = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)
# lmm_release is a plain address: see _keep.py.

# What can fail: these parameters, then lmm_error**; gives an lmm_code. A "char*" is c_char_p going in; coming out it is
# c_void_p where a length comes with it, since zero bytes may be in it.
CALLS: dict[str, list[Any]] = {
    "lmm_image_open": [Allocator, c_char_p, c_size_t, out(Image)],
    "lmm_image_decode": [Allocator, c_void_p, c_size_t, out(Image)],
    "lmm_image_from_pixels": [Allocator, c_void_p, c_size_t, c_int64, c_int64, c_int64, c_int32, c_int32, out(Image)],
    "lmm_video_from_frames": [Allocator, out(Image), out(c_double), c_size_t, out(Video)],
    "lmm_video_from_sample": [Allocator, out(Image), out(c_int64), c_size_t, c_int64, c_double, out(Video)],
    "lmm_audio_open": [Allocator, c_char_p, c_size_t, out(Audio)],
    "lmm_audio_decode": [Allocator, c_void_p, c_size_t, out(Audio)],
    "lmm_audio_from_samples": [Allocator, c_void_p, c_size_t, c_int64, c_int64, c_int32, out(Audio)],
    "lmm_message_create": [Allocator, out(Message)],
    "lmm_message_add_text": [Message, c_char_p, c_size_t],
    "lmm_message_add_image": [Message, Image],
    "lmm_message_add_video": [Message, Video],
    "lmm_message_add_audio": [Message, Audio],
    "lmm_history_create": [Allocator, out(History)],
    "lmm_history_add": [History, c_char_p, c_size_t, Message],
    "lmm_load_options_create": [Allocator, out(LoadOptions)],
    "lmm_load_options_set_dtype": [LoadOptions, c_int32],
    "lmm_load_options_set_weights": [LoadOptions, c_int32],
    "lmm_load_options_set_tower_weights": [LoadOptions, c_int32],
    "lmm_load_options_set_threads": [LoadOptions, c_int32],
    "lmm_load_options_set_device": [LoadOptions, c_char_p, c_size_t],
    "lmm_load_options_set_cache_folder": [LoadOptions, c_char_p, c_size_t],
    "lmm_load_options_set_max_memory": [LoadOptions, c_uint64],
    "lmm_load_options_set_on_progress": [LoadOptions, OnProgress, c_void_p, c_void_p],
    "lmm_load_options_set_on_log": [LoadOptions, OnLog, c_void_p, c_void_p],
    "lmm_info_read": [Allocator, c_char_p, c_size_t, out(Info)],
    "lmm_model_load": [Allocator, c_char_p, c_size_t, LoadOptions, out(Model)],
    "lmm_model_sample_frames": [Model, c_int64, c_double, c_double, out(c_int64), c_size_t, out(c_size_t)],
    "lmm_tokenizer_load": [Allocator, c_char_p, c_size_t, out(Tokenizer)],
    "lmm_model_tokenizer": [Model, out(Tokenizer)],
    "lmm_tokenizer_encode": [Tokenizer, c_char_p, c_size_t, c_int32, c_int32, out(Tokens)],
    "lmm_tokenizer_decode": [Tokenizer, out(c_int32), c_size_t, c_int32, out(Text)],
    "lmm_tokenizer_render": [Tokenizer, c_char_p, c_size_t, out(Text), out(Tokens)],
    "lmm_session_options_create": [Allocator, out(SessionOptions)],
    "lmm_session_options_set_system": [SessionOptions, c_char_p, c_size_t],
    "lmm_session_options_set_template_variables": [SessionOptions, c_char_p, c_size_t],
    "lmm_session_options_set_tools": [SessionOptions, c_char_p, c_size_t],
    "lmm_session_options_set_max_context": [SessionOptions, c_int64],
    "lmm_session_options_set_transcriber": [SessionOptions, Model],
    "lmm_generate_options_create": [Allocator, out(GenerateOptions)],
    "lmm_generate_options_set_max_tokens": [GenerateOptions, c_int64],
    "lmm_generate_options_set_min_tokens": [GenerateOptions, c_int64],
    "lmm_generate_options_set_sample": [GenerateOptions, c_int32],
    "lmm_generate_options_set_temperature": [GenerateOptions, c_double],
    "lmm_generate_options_set_top_k": [GenerateOptions, c_int64],
    "lmm_generate_options_set_top_p": [GenerateOptions, c_double],
    "lmm_generate_options_set_min_p": [GenerateOptions, c_double],
    "lmm_generate_options_set_typical_p": [GenerateOptions, c_double],
    "lmm_generate_options_set_repetition_penalty": [GenerateOptions, c_double],
    "lmm_generate_options_set_presence_penalty": [GenerateOptions, c_double],
    "lmm_generate_options_set_frequency_penalty": [GenerateOptions, c_double],
    "lmm_generate_options_set_no_repeat_ngram": [GenerateOptions, c_int64],
    "lmm_generate_options_add_bad_word": [GenerateOptions, c_char_p, c_size_t],
    "lmm_generate_options_set_logit_bias": [GenerateOptions, c_int32, c_double],
    "lmm_generate_options_add_stop": [GenerateOptions, c_char_p, c_size_t],
    "lmm_generate_options_set_seed": [GenerateOptions, c_uint64],
    "lmm_generate_options_set_raw": [GenerateOptions, c_int32],
    "lmm_generate_options_set_ignore_eos": [GenerateOptions, c_int32],
    "lmm_generate_options_set_paused": [GenerateOptions, c_int32],
    "lmm_generate_options_set_speech_language": [GenerateOptions, c_char_p, c_size_t],
    "lmm_generate_options_set_speech_translate": [GenerateOptions, c_int32],
    "lmm_generate_options_set_speech_times": [GenerateOptions, c_int32],
    "lmm_generate_options_set_speech_prompt": [GenerateOptions, c_char_p, c_size_t],
    "lmm_generate_options_set_speech_condition_on_previous": [GenerateOptions, c_int32],
    "lmm_generate_options_set_speech_beams": [GenerateOptions, c_int64],
    "lmm_generate_options_set_speech_temperatures": [GenerateOptions, out(c_double), c_size_t],
    "lmm_generate_options_set_speech_compression_ratio_threshold": [GenerateOptions, c_double],
    "lmm_generate_options_set_speech_log_probability_threshold": [GenerateOptions, c_double],
    "lmm_generate_options_set_speech_no_speech_threshold": [GenerateOptions, c_double],
    "lmm_generate_options_set_on_tap": [GenerateOptions, c_char_p, c_size_t, OnTap, c_void_p, c_void_p],
    "lmm_generate_options_set_on_progress": [GenerateOptions, OnProgress, c_void_p, c_void_p],
    "lmm_session_create": [Model, SessionOptions, out(Session)],
    "lmm_session_ask": [Session, Message, GenerateOptions, OnPiece, c_void_p, out(Reply)],
    "lmm_session_start": [Session, Message, GenerateOptions, out(Pending)],
    "lmm_session_history": [Session, out(History)],
    "lmm_session_set_history": [Session, History],
    "lmm_session_pop": [Session, out(Message)],
    "lmm_session_edit_last": [Session, Message, GenerateOptions, OnPiece, c_void_p, out(Reply)],
    "lmm_session_reset": [Session],
    "lmm_session_fork": [Session, out(Session)],
    "lmm_pending_poll": [Pending, c_char_p, c_size_t, out(c_size_t), out(c_int32)],
    "lmm_pending_get": [Pending, out(Reply)],
    "lmm_pending_progress": [Pending, out(c_char_p), out(c_int64), out(c_int64)],
    "lmm_pending_step": [Pending, c_int64, out(c_int32)],
    "lmm_listen_options_create": [Allocator, out(ListenOptions)],
    "lmm_listen_options_set_speech": [ListenOptions, GenerateOptions],
    "lmm_listen_options_set_silence": [ListenOptions, c_double],
    "lmm_listen_options_set_partial_after": [ListenOptions, c_double],
    "lmm_listen_options_set_longest": [ListenOptions, c_double],
    "lmm_session_listen": [Session, ListenOptions, out(Listener)],
    "lmm_listener_push": [Listener, c_void_p, c_size_t, c_int64, c_int64, c_int32],
    "lmm_listener_finish": [Listener],
    "lmm_listener_next": [Listener, c_int64, out(Utterance)],
}

# What cannot fail: result, parameters.
GETTERS: dict[str, tuple[Any, list[Any]]] = {
    "lmm_version": (c_char_p, []),
    "lmm_version_number": (c_uint32, []),
    "lmm_feature": (c_char_p, [c_size_t]),
    "lmm_has_feature": (c_int32, [c_char_p]),
    "lmm_code_name": (c_char_p, [c_int32]),
    "lmm_error_code": (c_int32, [Error]),
    "lmm_error_message": (c_void_p, [Error, out(c_size_t)]),
    "lmm_error_free": (None, [Error]),
    "lmm_text_data": (c_void_p, [Text, out(c_size_t)]),
    "lmm_text_free": (None, [Text]),
    "lmm_image_width": (c_int64, [Image]),
    "lmm_image_height": (c_int64, [Image]),
    "lmm_image_rgb": (out(c_uint8), [Image, out(c_size_t)]),
    "lmm_image_free": (None, [Image]),
    "lmm_video_frame_count": (c_size_t, [Video]),
    "lmm_video_seconds": (c_double, [Video]),
    "lmm_video_free": (None, [Video]),
    "lmm_audio_seconds": (c_double, [Audio]),
    "lmm_audio_rate": (c_int64, [Audio]),
    "lmm_audio_channels": (c_int64, [Audio]),
    "lmm_audio_free": (None, [Audio]),
    "lmm_message_count": (c_size_t, [Message]),
    "lmm_message_kind": (c_int32, [Message, c_size_t]),
    "lmm_message_text": (c_void_p, [Message, c_size_t, out(c_size_t)]),
    "lmm_message_image": (Image, [Message, c_size_t]),
    "lmm_message_video": (Video, [Message, c_size_t]),
    "lmm_message_audio": (Audio, [Message, c_size_t]),
    "lmm_message_free": (None, [Message]),
    "lmm_history_count": (c_size_t, [History]),
    "lmm_history_role": (c_void_p, [History, c_size_t, out(c_size_t)]),
    "lmm_history_message": (Message, [History, c_size_t]),
    "lmm_history_free": (None, [History]),
    "lmm_dtype_name": (c_char_p, [c_int32]),
    "lmm_weight_type_name": (c_char_p, [c_int32]),
    "lmm_load_options_free": (None, [LoadOptions]),
    "lmm_info_folder": (c_void_p, [Info, out(c_size_t)]),
    "lmm_info_family": (c_void_p, [Info, out(c_size_t)]),
    "lmm_info_architecture": (c_void_p, [Info, out(c_size_t)]),
    "lmm_info_parameters": (c_uint64, [Info]),
    "lmm_info_weight_bytes": (c_uint64, [Info]),
    "lmm_info_context_length": (c_int64, [Info]),
    "lmm_info_vocab_size": (c_int64, [Info]),
    "lmm_info_stored_dtype": (c_int32, [Info]),
    "lmm_info_compute_dtype": (c_int32, [Info]),
    "lmm_info_sees_images": (c_int32, [Info]),
    "lmm_info_sees_videos": (c_int32, [Info]),
    "lmm_info_hears": (c_int32, [Info]),
    "lmm_info_transcribes": (c_int32, [Info]),
    "lmm_info_has_chat_template": (c_int32, [Info]),
    "lmm_info_tower_count": (c_size_t, [Info]),
    "lmm_info_tower": (c_void_p, [Info, c_size_t, out(c_size_t)]),
    "lmm_info_weight_file_count": (c_size_t, [Info]),
    "lmm_info_weight_file": (c_void_p, [Info, c_size_t, out(c_size_t)]),
    "lmm_info_free": (None, [Info]),
    "lmm_model_info": (Info, [Model]),
    "lmm_model_free": (None, [Model]),
    "lmm_tokenizer_has_chat_template": (c_int32, [Tokenizer]),
    "lmm_tokenizer_free": (None, [Tokenizer]),
    "lmm_tokens_count": (c_size_t, [Tokens]),
    "lmm_tokens_ids": (out(c_int32), [Tokens, out(c_size_t)]),
    "lmm_tokens_piece": (c_void_p, [Tokens, c_size_t, out(c_size_t)]),
    "lmm_tokens_free": (None, [Tokens]),
    "lmm_session_options_free": (None, [SessionOptions]),
    "lmm_generate_options_free": (None, [GenerateOptions]),
    "lmm_finish_reason_name": (c_char_p, [c_int32]),
    "lmm_reply_text": (c_void_p, [Reply, out(c_size_t)]),
    "lmm_reply_token_ids": (out(c_int32), [Reply, out(c_size_t)]),
    "lmm_reply_finish_reason": (c_int32, [Reply]),
    "lmm_reply_prompt_tokens": (c_int64, [Reply]),
    "lmm_reply_image_tokens": (c_int64, [Reply]),
    "lmm_reply_audio_tokens": (c_int64, [Reply]),
    "lmm_reply_image_tiles": (c_int64, [Reply]),
    "lmm_reply_reused_tokens": (c_int64, [Reply]),
    "lmm_reply_new_tokens": (c_int64, [Reply]),
    "lmm_reply_load_seconds": (c_double, [Reply]),
    "lmm_reply_preprocess_seconds": (c_double, [Reply]),
    "lmm_reply_encode_seconds": (c_double, [Reply]),
    "lmm_reply_prefill_seconds": (c_double, [Reply]),
    "lmm_reply_decode_seconds": (c_double, [Reply]),
    "lmm_reply_seconds_per_token": (c_double, [Reply]),
    "lmm_reply_box_count": (c_size_t, [Reply]),
    "lmm_reply_point_count": (c_size_t, [Reply]),
    "lmm_reply_box": (c_int32, [Reply, c_size_t, out(c_double), out(c_size_t)]),
    "lmm_reply_point": (c_int32, [Reply, c_size_t, out(c_double), out(c_size_t)]),
    "lmm_reply_box_label": (c_void_p, [Reply, c_size_t, out(c_size_t)]),
    "lmm_reply_point_label": (c_void_p, [Reply, c_size_t, out(c_size_t)]),
    "lmm_reply_segment_count": (c_size_t, [Reply]),
    "lmm_reply_segment": (c_int32, [Reply, c_size_t, out(c_double)]),
    "lmm_reply_segment_text": (c_void_p, [Reply, c_size_t, out(c_size_t)]),
    "lmm_reply_segment_language": (c_void_p, [Reply, c_size_t, out(c_size_t)]),
    "lmm_reply_segment_mean_log_probability": (c_double, [Reply, c_size_t]),
    "lmm_reply_segment_no_speech_probability": (c_double, [Reply, c_size_t]),
    "lmm_reply_segment_temperature": (c_double, [Reply, c_size_t]),
    "lmm_reply_word_count": (c_size_t, [Reply, c_size_t]),
    "lmm_reply_word": (c_int32, [Reply, c_size_t, c_size_t, out(c_double), out(c_double)]),
    "lmm_reply_word_text": (c_void_p, [Reply, c_size_t, c_size_t, out(c_size_t)]),
    "lmm_reply_free": (None, [Reply]),
    "lmm_session_cancel": (None, [Session]),
    "lmm_session_free": (None, [Session]),
    "lmm_pending_cancel": (None, [Pending]),
    "lmm_pending_pause": (None, [Pending]),
    "lmm_pending_resume": (None, [Pending]),
    "lmm_pending_free": (None, [Pending]),
    "lmm_listen_options_free": (None, [ListenOptions]),
    "lmm_listener_done": (c_int32, [Listener]),
    "lmm_listener_waiting": (c_double, [Listener]),
    "lmm_listener_free": (None, [Listener]),
    "lmm_utterance_index": (c_int64, [Utterance]),
    "lmm_utterance_is_final": (c_int32, [Utterance]),
    "lmm_utterance_seconds": (c_int32, [Utterance, out(c_double)]),
    "lmm_utterance_reply": (Reply, [Utterance]),
    "lmm_utterance_free": (None, [Utterance]),
}


def signatures() -> dict[str, tuple[Any, list[Any]]]:
    """Result and parameters of every function."""
    return {**{name: (c_int32, [*parameters, out(Error)]) for name, parameters in CALLS.items()}, **GETTERS}


def declare(library: CDLL) -> list[str]:
    """Tells ctypes what the functions take and give. Returns the names of those that the library lacks."""
    missing = []
    for name, (result, parameters) in signatures().items():
        try:
            function = getattr(library, name)
        except AttributeError:
            missing.append(name)
            continue
        function.restype, function.argtypes = result, parameters
    return missing
