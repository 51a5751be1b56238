"""The C++ compiler that Ops in C need: which one it is, what it is asked, and what is kept of its work."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig

import pytest

import theano
from tests.test_c_ops import HERE, SAME, Unary, v
from theano import function
from theano.gof import OpenMPOp
from theano.gof.cmodule import GCC_compiler
from theanojax import configflags
from theanojax.errors import CompileError, MissingGXX
from theanojax.runtime.native import compiler, modules
from theanojax.runtime.native.source import Source

pytestmark = pytest.mark.skipif(not theano.config.cxx, reason="there is no C++ compiler")


def test_what_the_compiler_does_not_take():
    with pytest.raises(CompileError) as info:
        function([v], Unary("\n%(z)s = nonsense(%(x)s);")(v))
    text = str(info.value)
    assert text.startswith("Compilation failed (return status=1): ") and "nonsense" in text
    line = re.search(r"Unary:(\d+):", text)[1]
    assert re.search(r"^%05d\t.* = nonsense\(" % int(line), text, re.MULTILINE)
    assert text.rstrip().endswith("Apply node: Unary{code='\\n%(z)s = nonsense(%(x)s);'}(v)")


@pytest.mark.parametrize(
    "there, cxx",
    [
        (["c++", "clang++"], "clang++"),
        (["built-with-this"], "built-with-this"),
        (["ziglang"], "%s -m ziglang c++" % sys.executable),
        ([], ""),
    ],
)
def test_the_compiler_that_is_found(there, cxx, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    monkeypatch.setattr(configflags, "find_spec", lambda name: name in there)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: "built-with-this -pthread")
    assert configflags.default_cxx() == cxx


def test_no_compiler():
    with theano.change_flags(cxx="no-such-compiler"):
        with pytest.raises(
            NotImplementedError, match=r"the C\+\+ compiler no-such-compiler \(config.cxx\) is not there"
        ):
            function([v], Unary("// nobody has compiled this\n" + SAME)(v))
        assert GCC_compiler.try_flags(["-O3"]) is False
    with pytest.raises(MissingGXX, match=r"g\+\+ not available! We can't compile c code"):
        raise MissingGXX()


@pytest.mark.parametrize("headers", ["there", "not there"])
def test_without_pythons_headers(headers, monkeypatch):
    paths = {"include": compiler.include_folders()[1] if headers == "there" else "/nowhere"}
    monkeypatch.setattr(compiler.sysconfig, "get_paths", lambda: paths)
    if headers == "there":
        assert compiler.command()
    else:
        with pytest.raises(MissingGXX, match=r"no Python.h in /nowhere"):
            compiler.command()


def test_openmp():
    class Parallel(OpenMPOp, Unary):
        __props__ = ()

        def __init__(self):
            OpenMPOp.__init__(self, openmp=True)
            self.code = SAME + "\n#ifndef _OPENMP\n#error no\n#endif\nif (omp_get_max_threads() < 1) %(fail)s"

    if not OpenMPOp.test_gxx_support():
        pytest.skip("the compiler has no OpenMP")
    assert function([v], Parallel()(v))([1.0]).tolist() == [1.0]


PROGRAM = """
import theano
from theano.gof import Apply, Op
from theanojax.runtime.native import compiler

class Plus(Op):
    __props__ = ("header",)
    def __init__(self, header):
        self.header = header
    def make_node(self):
        return Apply(self, [], [theano.scalar.int64()])
    def c_headers(self):
        return ["answers.h"] if self.header else []
    def c_header_dirs(self):
        return ["%s"] if self.header else []
    def c_code(self, node, name, inputs, outputs, sub):
        return outputs[0] + " = 3;"

made = []
compile_library = compiler.compile_library
compiler.compile_library = lambda *a: made.append(a) or compile_library(*a)
for header in (True, False):
    assert theano.function([], Plus(header)(), mode=theano.Mode("py", None))() == 3
print(len(made))
""" % os.path.join(HERE, "c_code")


def test_modules_are_kept_for_later_processes(tmp_path):
    """But for one whose headers may change unnoticed, and none where others could put theirs."""
    tmp_path.chmod(0o700)
    env = {**os.environ, "THEANO_FLAGS": "base_compiledir=%s" % tmp_path, "PYTHONPATH": os.path.dirname(HERE)}

    def compiled():
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert [compiled(), compiled()] == [2, 1]
    (folder,) = tmp_path.glob("*/c_*")
    (kept,) = folder.glob("*-cache")
    assert folder.stat().st_mode & 0o777 == 0o700 and not list(folder.glob("building_*"))
    whole = kept.read_bytes()
    for broken in (b"", b"not a module", whole[:40], whole[: len(whole) // 2], whole[:-1]):
        kept.write_bytes(broken)
        assert compiled() == 2
        assert kept.stat().st_size == len(whole)
    assert compiled() == 1
    if hasattr(os, "geteuid"):
        folder.chmod(0o707)
        assert compiled() == 2


def test_an_interrupted_compilation(monkeypatch, tmp_path):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    op = Unary(SAME + "// it is interrupted")
    GCC_compiler.version_str()  # it is asked once
    with monkeypatch.context() as patch:
        patch.setattr(compiler.subprocess.Popen, "communicate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            compiler.compile_library("int x;", str(tmp_path / "module"), [], [])
        with pytest.raises(KeyboardInterrupt):
            function([v], op(v))
    assert not list(tmp_path.iterdir())
    assert function([v], op(v))([1.0]).tolist() == [1.0]


def test_what_decides_which_module_it_is(monkeypatch):
    made = []
    monkeypatch.setattr(modules, "_make", lambda source, key, *_: made.append(key) or made)
    sources = [Source(code, "", (), (), (), (), (), version, None, ()) for code in "ab" for version in [(1,), ()]]
    for source in sources * 2:
        modules.module_of(source)
    with theano.change_flags(**{"gcc.cxxflags": "-O1"}):
        modules.module_of(sources[0])
    monkeypatch.setattr(compiler, "version_of", lambda words: "next")
    modules.module_of(sources[0])
    assert len(made) == len(set(made)) == 6
    for key in made:
        del modules._loaded[key]


def test_what_programs_ask_of_the_compiler(tmp_path):
    from theano.gof import cmodule

    assert GCC_compiler.version_str().startswith(theano.config.cxx) and re.match(r"\d+\.", cmodule.gcc_version())
    assert GCC_compiler.try_flags(["-DX=3"], body="int a[X]; (void)a;") is True
    assert GCC_compiler.try_flags(["-nonsense-flag"]) is False
    assert GCC_compiler.try_flags([], body="return 3;", try_run=True) == (True, False)
    ok, out, err = GCC_compiler.try_compile_tmp("int main( {", output=True)
    assert not ok and "error" in err and out == ""
    code = '#include <Python.h>\nstatic PyModuleDef d = {PyModuleDef_HEAD_INIT, "m", NULL, -1, NULL};\n'
    code += "PyMODINIT_FUNC PyInit_m(void) { return PyModule_Create(&d); }"
    module = GCC_compiler.compile_str("m", code, location=str(tmp_path), preargs=GCC_compiler.compile_args())
    assert module.__name__ == "m"


def test_options_of_the_flags(capfd):
    code = SAME + "\n#warning look here\n// %d\n" % os.getpid()
    with theano.change_flags(**{"cmodule.compilation_warning": True, "cmodule.remove_gxx_opt": True}):
        assert "-g" in compiler.options() and "-O3" not in compiler.options()
        function([v], Unary(code)(v))
    assert "look here" in capfd.readouterr().err


def test_an_op_with_a_compiler_of_its_own():
    asked = []

    class Mine(GCC_compiler):
        @staticmethod
        def compile_str(module_name, src_code, location=None, **options):
            asked.append((module_name, options["preargs"]))
            return GCC_compiler.compile_str(module_name, src_code, location, **options)

    class Theirs(Unary):
        def c_compiler(self):
            return Mine

        def c_compile_args(self, c_compiler):
            return ["-DBY=%s" % c_compiler.__name__]

    assert function([v], Theirs(SAME)(v))([1.0]).tolist() == [1.0]
    assert asked == [("c_code", ["-DBY=Mine"])]
