#!/usr/bin/env bash
# Gradescope runs this once, as root, while it builds the image. Afterwards grading needs no network.
set -euo pipefail

root="${AUTOGRADER_ROOT:-/autograder}"
source="$root/source"
version="$(cat "$source/python-version")"
export DEBIAN_FRONTEND=noninteractive KIT_OFFLINE=1
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

apt-get update
apt-get install -y --no-install-recommends bubblewrap ca-certificates software-properties-common
# Gradescope's Ubuntu is older than the Python that the kit needs; this archive has newer ones.
add-apt-repository -y ppa:deadsnakes/ppa && apt-get update || echo "Going on with Ubuntu's own python$version" >&2
apt-get install -y --no-install-recommends "python$version" "python$version-venv"

# The environment lies outside source, since submissions run with it, as a user who may not read source.
"python$version" -m venv "$root/venv"
pip() { "$root/venv/bin/python" -m pip install --no-cache-dir --disable-pip-version-check "$@"; }
grep -E '^torch(vision)?==' "$source/requirements.txt" > "$root/torch.txt"
pip --index-url https://download.pytorch.org/whl/cpu -r "$root/torch.txt"
pip -r "$source/requirements.txt"

chmod 700 "$source"
cd "$source/kit"
"$root/venv/bin/python" -m instructor.gradescope --prepare "$root"
