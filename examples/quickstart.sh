#!/usr/bin/env bash
# From a fresh machine to an answer about a picture: installs what is missing, builds, asks, says what to type next.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/setup.sh"

lmm_install_packages
lmm_install_cmake
lmm_install_torch
lmm_configure
lmm_make lmm_command

model=$lmm_root/examples/pocket/model
picture=$lmm_root/examples/pictures/burger.png
question="Name the object."

short() { realpath --relative-to="$PWD" "$1"; }
command=$(short "$lmm_build/bin/lmm")
lmm_say "$command ask $(short "$model") -i $(short "$picture") \"$question\""
"$lmm_build/bin/lmm" ask "$model" -i "$picture" "$question"

cat >&2 <<EOF
== What to type next
A conversation; /image FILE shows it a picture:
  $command chat $(short "$model")
A folder downloaded from Hugging Face, of a family in README's table of models (SmolVLM, Qwen-VL, Voxtral, Whisper, Llama ...):
  $command ask FOLDER -i PICTURE "QUESTION"
What a checkpoint is; all commands:
  $command info $(short "$model")
  $command --help
The model that comes with the project is small: it knows some drawings, colours, shapes, moods; see examples/pocket.
EOF
