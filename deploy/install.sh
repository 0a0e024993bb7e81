#!/bin/sh
# Installs labeler into an environment of its own. deploy/Dockerfile and docs/deployment.md call it, from the folder of the source.
#   deploy/install.sh libraries ENVIRONMENT [EXTRAS [TORCH_INDEX]]   what labeler needs, in the versions that were tested together
#   deploy/install.sh wheel FOLDER                                   build labeler's own wheel into FOLDER
#   deploy/install.sh labeler ENVIRONMENT FOLDER                     install the wheel that is in FOLDER
set -eu

libraries() {
    environment=$1 extras=${2:-images,texts,dicom,oidc} torch_index=${3:-}
    python3 -m venv "$environment"
    "$environment/bin/python" - "$extras" > "$environment/libraries.txt" <<'PYTHON'
import sys
import tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
print("\n".join(project["dependencies"]))
for extra in sys.argv[1].split(","):
    print("\n".join(project["optional-dependencies"][extra]))
PYTHON
    pip="$environment/bin/pip install --disable-pip-version-check --quiet --no-cache-dir -c requirements.lock"
    if [ -n "$torch_index" ]; then
        grep '^torch' "$environment/libraries.txt" > "$environment/torch.txt"
        $pip --index-url "$torch_index" -r "$environment/torch.txt"
    fi
    $pip -r "$environment/libraries.txt"
}

wheel() {
    python3 -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir "$1" .
}

labeler() {
    "$1/bin/pip" install --disable-pip-version-check --quiet --no-deps --no-index "$2"/labeler-*.whl
}

"$@"
