"""The joiner of the desk's scripts."""

from pathlib import Path

import pytest

from pages.desk.joined import JoinError, in_order, join


@pytest.fixture
def scripts(tmp_path: Path):
    """Writes these scripts, by name, and joins them from `main.js`."""

    def write(**texts: str) -> str:
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.js"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return join(tmp_path / "main.js", tmp_path)

    return write


def test_a_module_is_placed_after_its_imports(scripts, tmp_path) -> None:
    joined = scripts(
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\nuse(a, b);\n',
        b='import { a } from "./a.js";\nexport const b = a + 1;\n',
        a="export const a = 1;\n",
    )
    assert joined == "const a = 1;\n\nconst b = a + 1;\n\nuse(a, b);\n"
    assert [module.path.stem for module in in_order(tmp_path / "main.js", tmp_path)] == ["a", "b", "main"]


def test_imports_of_several_lines_and_other_folders_are_followed(scripts) -> None:
    joined = scripts(
        main='import {\n  one,\n  two,\n} from "./parts/numbers.js";\nuse(one, two);\n',
        parts__numbers='import { zero } from "../zero.js";\nexport const one = zero + 1;\nexport const two = 2;\n',
        zero="export const zero = 0;\n",
    )
    assert joined == "const zero = 0;\n\nconst one = zero + 1;\nconst two = 2;\n\nuse(one, two);\n"


def test_the_entry_keeps_its_default_export(scripts) -> None:
    assert scripts(main="export default function () {}\n") == "export default function () {}\n"


@pytest.mark.parametrize(
    "declaration",
    ["class A {}", "function A() {}", "async function A() {}", "function* A() {}", "const A = 1;", "let A = 1;"],
)
def test_every_declaration_can_be_exported(scripts, declaration) -> None:
    joined = scripts(main='import { A } from "./a.js";\nuse(A);\n', a=f"export {declaration}\n")
    assert joined == f"{declaration}\n\nuse(A);\n"


def test_imports_and_exports_in_comments_and_texts_are_left_alone(scripts) -> None:
    main = '// import { a } from "./a.js";\n/** @import { B } from "./b.js" */\nconst text = "export const c";\n'
    assert scripts(main=main) == main


def test_a_circle_of_imports_is_refused_with_its_path(scripts) -> None:
    with pytest.raises(JoinError, match=r"in a circle: a\.js → b\.js → a\.js\."):
        scripts(
            main='import { a } from "./a.js";\n',
            a='import { b } from "./b.js";\nexport const a = 1;\n',
            b='import { a } from "./a.js";\nexport const b = 1;\n',
        )


def test_a_module_that_imports_itself_is_a_circle(scripts) -> None:
    with pytest.raises(JoinError, match=r"in a circle: main\.js → main\.js\."):
        scripts(main='import { a } from "./main.js";\nexport const a = 1;\n')


def test_an_import_of_a_file_that_is_not_there_is_refused(scripts) -> None:
    with pytest.raises(JoinError, match=r"main\.js imports parts/a\.js, which does not exist\."):
        scripts(main='import { a } from "./parts/a.js";\n')


@pytest.mark.parametrize("text", ["const a = 1;\n", "export const b = 1;\n", "// export const a = 1;\n"])
def test_an_import_of_a_name_that_is_not_exported_is_refused(scripts, text) -> None:
    with pytest.raises(JoinError, match=r"main\.js imports a from a\.js, which does not export it\."):
        scripts(main='import { a } from "./a.js";\n', a=text)


@pytest.mark.parametrize("text", ["const LIMIT = 2;\n", "export class LIMIT {}\n", "async function LIMIT() {}\n"])
def test_two_modules_that_declare_the_same_name_are_refused(scripts, text) -> None:
    with pytest.raises(JoinError, match=r"a\.js and main\.js both declare LIMIT at their top level"):
        scripts(main=f'import {{ a }} from "./a.js";\n{text}', a="export const a = 1;\nconst LIMIT = 1;\n")


def test_the_same_name_may_be_declared_inside_functions(scripts) -> None:
    assert scripts(
        main='import { a } from "./a.js";\nfunction f() {\n  const limit = 2;\n}\n',
        a="export function a() {\n  const limit = 1;\n}\n",
    )


@pytest.mark.parametrize(
    "line",
    [
        'import a from "./a.js";',
        'import * as a from "./a.js";',
        'import { a as b } from "./a.js";',
        'import { a } from "lodash";',
        'import "./a.js";',
        'import { a } from "./a.js"; use(a);',
        "export { a };",
        'export * from "./a.js";',
        "export const { a } = b;",
        "const [a] = b;",
        "var a = 1;",
    ],
)
def test_unsupported_forms_of_import_are_refused(scripts, line) -> None:
    with pytest.raises(JoinError, match=r"main\.js: .* is not understood by the joiner\. Write import"):
        scripts(main=f"{line}\n", a="export const a = 1;\n")


def test_only_the_entry_has_a_default_export(scripts) -> None:
    with pytest.raises(JoinError, match=r"a\.js: only main\.js has a default export"):
        scripts(main='import { a } from "./a.js";\n', a="export const a = 1;\nexport default a;\n")
