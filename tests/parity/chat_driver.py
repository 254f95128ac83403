"""Chat templates rendered by transformers and, through build/bin/template_driver, by lmm."""

import datetime
import json
import os
import pathlib
import subprocess
from unittest import mock

import jinja2
from transformers.utils import chat_template_utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build"))
NOW = datetime.datetime(2025, 3, 9, 14, 5, 7)


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def lmm_render(requests):
    """Answers of the driver: each {"text", "user"} or {"error", "code"}."""
    when = NOW.timetuple()
    time = [when.tm_year, when.tm_mon, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec, (when.tm_wday + 1) % 7, when.tm_yday - 1]
    lines = "".join(json.dumps({"time": time, **request}) + "\n" for request in requests)
    done = subprocess.run([BUILD / "bin" / "template_driver"], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert len(answers) == len(requests)
    return answers


def reference_render(template, variables):
    """{"text"} or {"error", "raised"}: raised is True for an error that the template itself raises."""
    given = dict(variables)
    messages = given.pop("messages")
    tools = given.pop("tools", None)
    documents = given.pop("documents", None)
    # apply_chat_template of tokenizers and processors drops these before it renders
    messages = [{k: v for k, v in message.items() if v is not None} for message in messages]
    try:
        with mock.patch.object(chat_template_utils, "datetime", FixedDatetime):
            rendered, _ = chat_template_utils.render_jinja_template([messages], tools, documents, template, **given)
        return {"text": rendered[0]}
    except Exception as error:  # whatever Python raises: lmm must refuse too
        return {"error": str(error), "raised": type(error) is jinja2.exceptions.TemplateError}
