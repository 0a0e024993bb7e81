"""Learner files of a project's folder: the heads that its settings can name, found without running any of them."""

import ast
from pathlib import Path

from labeler.i18n.messages import Message, mark

NEEDED = {"fit", "predict_proba"}


def heads_in(folder: Path) -> tuple[list[str], list[Message]]:
    """The heads of the Python files in a folder, as `learner.head` names them; and what is wrong with files.

    A head is a public class that has both methods, or that may have them from a class that it derives from.
    """
    heads, problems = list[str](), list[Message]()
    for path in sorted(folder.glob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            reason = getattr(error, "msg", None) or str(error)
            problems.append(
                mark("Learner file {name}, line {line}: {reason}", name=path.name, line=line, reason=reason)
            )
            continue
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        heads += [f"{path.name}:{node.name}" for node in classes if node.bases or _methods(node) >= NEEDED]
    return heads, problems


def _methods(node: ast.ClassDef) -> set[str]:
    return {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
