"""Ends with 0 where the server of this container can store answers: the container's health check."""

import os
from urllib.request import ProxyHandler, build_opener

path = "/".join(part for part in (os.environ.get("LABELER_BASE_PATH", "").strip("/"), "healthz") if part)
# a proxy of the environment is for the world outside
build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{os.environ.get('LABELER_PORT', '8501')}/{path}", timeout=4)
