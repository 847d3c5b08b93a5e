"""One session an engine: a loaded artifact that turns arrays into arrays."""

from bokehflow.runtimes.opening import open_session, runtime_of
from bokehflow.runtimes.session import Session, SessionInfo
from bokehflow.runtimes.torch_session import TorchSession

__all__ = ["Session", "SessionInfo", "TorchSession", "open_session", "runtime_of"]
