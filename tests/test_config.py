"""Configuration: where values come from, what is checked, what the errors say."""

import copy
import os
import pickle
import subprocess
import sys

import pytest

from theanojax import configparser
from theanojax.config import config
from theanojax.configparser import (
    AddConfigVar,
    BoolParam,
    ConfigParam,
    EnumStr,
    FloatParam,
    IntParam,
    StrParam,
    TheanoConfigParser,
    TheanoConfigWarning,
    change_flags,
    parse_config_string,
)


def run(code, tmp_path, flags="", rc=None, **environment):
    """What `code` prints in a process of its own, with these THEANO_FLAGS and files."""
    env = {**os.environ, "HOME": str(tmp_path), "THEANO_FLAGS": flags, **environment}
    if rc is not None:
        (tmp_path / ".theanorc").write_text(rc)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


# Configuration needs nothing of the rest, so it is loaded without: it is quicker.
ALONE = (
    "import sys, types, importlib.util\n"
    "package = types.ModuleType('theanojax')\n"
    "package.__path__ = importlib.util.find_spec('theanojax').submodule_search_locations\n"
    "sys.modules['theanojax'] = package\n"
    "from theanojax.config import config\n"
)
SHOW = ALONE + "print({})"


def show(expression, *args, **kwargs):
    return run(SHOW.format(expression), *args, **kwargs)[0]


# ---- where values come from


def test_flags_by_the_names_of_theano_pymc():
    assert config.gcc__cxxflags == config.gcc.cxxflags
    before = config.scan__allow_gc
    config.scan__allow_gc = not before
    assert config.scan.allow_gc is not before
    config.scan.allow_gc = before
    with change_flags(scan__allow_gc=not before):
        assert config.scan.allow_gc is not before
    assert parse_config_string("scan__allow_gc=True") == {"scan.allow_gc": "True"}


def test_defaults(tmp_path):
    shown = show("config.floatX, config.mode, config.linker, config.device, config.vm.lazy", tmp_path)
    assert shown == "float64 Mode cvm cpu None"


def test_flags_set_values(tmp_path):
    shown = show(
        "config.floatX, config.blas.ldflags, config.dnn.conv.algo_fwd",
        tmp_path,
        "floatX=float32,blas.ldflags=-lblas,dnn.conv.algo_fwd=fft",
    )
    assert shown == "float32 -lblas fft"


def test_last_flag_wins(tmp_path):
    assert show("config.floatX", tmp_path, "floatX=float32,floatX=float16") == "float16"


def test_short_float_names(tmp_path):
    assert show("config.floatX", tmp_path, "floatX=32") == "float32"


def test_file_sections(tmp_path):
    rc = "[global]\nfloatX = float32\n[blas]\nldflags = -lfile\n[dnn.conv]\nalgo_fwd = fft\n"
    shown = show("config.floatX, config.blas.ldflags, config.dnn.conv.algo_fwd", tmp_path, rc=rc)
    assert shown == "float32 -lfile fft"


def test_flags_come_before_files(tmp_path):
    assert show("config.floatX", tmp_path, "floatX=float16", rc="[global]\nfloatX = float32\n") == "float16"


def test_theanorc_rightmost_file_wins(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("[global]\nfloatX = float32\nallow_gc = False\n")
    two.write_text("[global]\nfloatX = float16\n")
    shown = show(
        "config.floatX, config.allow_gc",
        tmp_path,
        rc="[global]\nfloatX = 64\n",
        THEANORC=os.pathsep.join([str(one), str(two)]),
    )
    assert shown == "float16 False"


def test_file_substitution_and_bare_percent(tmp_path):
    rc = "[global]\nbase_compiledir = /tmp/%(USER)s/x\n[gcc]\ncxxflags = -DX=%d\n"
    shown = show("config.base_compiledir, config.gcc.cxxflags", tmp_path, rc=rc, USER="me")
    assert shown == "/tmp/me/x -DX=%d"


def test_unknown_flag_warns(tmp_path):
    _, stderr = run(SHOW.format(1), tmp_path, "no_such=1")
    assert "Theano does not recognise this flag: no_such\n" in stderr
    _, stderr = run(SHOW.format(1), tmp_path, "floatx=float32")
    assert "Theano does not recognise this flag: floatx (did you mean floatX?)\n" in stderr


def test_flag_without_value_warns():
    with pytest.warns(TheanoConfigWarning, match="Config key 'nothing' has no value, ignoring it"):
        assert parse_config_string("nothing,a=1") == {"a": "1"}


def test_quoted_values():
    assert parse_config_string("a='x,y', b=2") == {"a": "x,y", "b": "2"}


def test_wrong_value_in_environment_fails_at_import(tmp_path):
    env = {**os.environ, "HOME": str(tmp_path), "THEANO_FLAGS": "floatX=float99"}
    done = subprocess.run([sys.executable, "-c", SHOW.format(1)], env=env, capture_output=True, text=True)
    assert 'Invalid value ("float99") for configuration variable "floatX"' in done.stderr
    assert "During handling" not in done.stderr


def test_file_without_sections_says_what_is_missing(tmp_path):
    (tmp_path / ".theanorc").write_text("floatX = float32\n")
    env = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", SHOW.format(1)], env=env, capture_output=True, text=True)
    assert "no section headers" in done.stderr and "below a line [global]" in done.stderr


def test_wrong_value_in_environment_says_where_it_is(tmp_path):
    env = {**os.environ, "HOME": str(tmp_path), "THEANO_FLAGS": "mode=FAST_RUNN"}
    done = subprocess.run([sys.executable, "-c", SHOW.format(1)], env=env, capture_output=True, text=True)
    assert done.stderr.endswith("\nTHEANO_FLAGS, or a .theanorc, has mode=FAST_RUNN\n")


def test_old_gpu_device(tmp_path):
    env = {**os.environ, "HOME": str(tmp_path), "THEANO_FLAGS": "device=gpu0"}
    done = subprocess.run([sys.executable, "-c", SHOW.format(1)], env=env, capture_output=True, text=True)
    assert "device=gpu0 is the name of Theano 0.9; use device=cuda0" in done.stderr and not done.returncode


def test_numpy_is_silent_about_float_errors(tmp_path):
    code = ALONE + "import numpy; print(numpy.geterr()['divide'])"
    assert run(code, tmp_path)[0] == "ignore"
    assert run(code, tmp_path, "numpy.seterr_divide=raise")[0] == "raise"


def test_reading_compiledir_makes_it(tmp_path):
    assert os.path.isdir(show("config.compiledir", tmp_path))


# ---- assignments


def test_assign_and_restore():
    with change_flags(floatX="float32", **{"DebugMode.patience": 3}):
        assert (config.floatX, config.DebugMode.patience) == ("float32", 3)
    assert (config.floatX, config.DebugMode.patience) == ("float64", 10)


@pytest.mark.parametrize(
    "flag, value, message",
    [
        (
            "floatX",
            "float99",
            r"Invalid value \(\"float99\"\) for configuration variable \"floatX\". Valid options are "
            r"\('float64', 'float32', 'float16'\)",
        ),
        ("openmp", "perhaps", r"Invalid value \(perhaps\) for configuration variable \"openmp\""),
        ("traceback.limit", "x", "invalid literal for int"),
        ("DebugMode.patience", 0, r"Invalid value \(0\) for configuration variable \"DebugMode.patience\""),
        ("mode", "FAST", "Expected one of those string 'Mode', 'DebugMode', 'FAST_RUN'"),
        ("mode", 3, "or an instance of Mode"),
        ("vm.lazy", "maybe", "None, False or True, not `maybe`"),
        ("unittests.rseed", "seed", r"Invalid value \(seed\)"),
    ],
)
def test_wrong_values(flag, value, message):
    with pytest.raises(ValueError, match=message), change_flags({flag: value}):
        pass
    assert config.floatX == "float64"


@pytest.mark.parametrize("flag", ["device", "optimizer_including", "base_compiledir", "compile.wait"])
def test_fixed_flags(flag):
    old = change_flags({flag: ""}).confs[flag].__get__(True, None)
    # A plain Exception: programs that probe for a GPU catch that.
    with pytest.raises(Exception, match="Can.t change the value of this config param") as info:
        with change_flags({flag: old}):
            pass
    assert type(info.value) is Exception


def test_mode_instances_are_modes():
    class Mode:
        pass

    with change_flags(mode=Mode()):
        assert isinstance(config.mode, Mode)


@pytest.mark.parametrize("spelling, value", [("True", True), ("1", True), (True, True), ("false", False), ("0", False)])
def test_booleans(spelling, value):
    with change_flags(profile=spelling):
        assert config.profile is value


def test_unknown_names():
    with pytest.raises(AttributeError, match="'TheanoConfigParser' object has no attribute 'nothing'"):
        config.nothing
    with pytest.raises(AssertionError, match="No such configuration flags: nothing"):
        change_flags(nothing=1)


def test_unknown_names_can_be_assigned():
    own = TheanoConfigParser()
    own.anything = 1
    assert own.anything == 1 and not hasattr(config, "anything")


def test_change_flags_can_be_copied_and_pickled():
    changed = change_flags(optimizer="None", floatX="float32")
    for twin in (copy.deepcopy(changed), pickle.loads(pickle.dumps(changed))):
        with twin:
            assert (config.optimizer, config.floatX) == ("None", "float32")
        assert twin.confs["optimizer"] is changed.confs["optimizer"]


def test_change_flags_decorates():
    @change_flags(floatX="float32")
    def inner(depth):
        return [config.floatX] + (inner(depth - 1) if depth else [])

    assert inner(1) == ["float32", "float32"] and config.floatX == "float64"
    assert inner.__name__ == "inner"


def test_change_flags_restores_after_an_error():
    with pytest.raises(KeyError), change_flags(floatX="float32"):
        raise KeyError
    assert config.floatX == "float64"


def test_change_flags_sets_all_or_none():
    with pytest.raises(ValueError, match="openmp"), change_flags([("floatX", "float32"), ("openmp", "x")]):
        pass
    assert config.floatX == "float64"


def test_successors_spelling():
    with config.change_flags(floatX="float32"):
        assert config.floatX == "float32"


# ---- flags of a program's own


@pytest.fixture
def registry(monkeypatch):
    """Names for new flags that disappear after the test."""
    monkeypatch.setattr(configparser, "_config_var_list", list(configparser._config_var_list))
    yield
    for name in ("own", "own_simple"):
        if name in vars(TheanoConfigParser):
            delattr(TheanoConfigParser, name)


def test_add_flags(registry, monkeypatch):
    monkeypatch.setitem(configparser.THEANO_FLAGS_DICT, "own.section.text", "given")
    AddConfigVar("own.section.text", "A text.", StrParam("default"))
    AddConfigVar("own.section.number", "A number.", IntParam(lambda: 6 * 7))
    AddConfigVar("own_simple", "A float.", FloatParam(1.5), in_c_key=False)
    assert (config.own.section.text, config.own.section.number, config.own_simple) == ("given", 42, 1.5)
    assert "own.section.text" not in configparser.THEANO_FLAGS_DICT
    assert not TheanoConfigParser.own_simple.in_c_key


def test_add_flags_as_theano_pymc_does(registry):
    config.add("own__number", "A number.", IntParam(3))
    config.add("own__kind", "A kind.", EnumStr("a", ["b"]), in_c_key=False)
    assert config.own__number == config.own.number == 3 and config.own__kind == "a"
    with config.change_flags(own__number=4, own__kind="b"):
        assert config.own__number == 4 and config.own.kind == "b"


def test_name_is_taken(registry):
    with pytest.raises(AttributeError, match="This name is already taken"):
        AddConfigVar("floatX", "", StrParam(""))
    with pytest.raises(TypeError, match="Internal config nodes must be config class instances"):
        AddConfigVar("floatX.below", "", StrParam(""))


def test_default_is_checked(registry):
    def refuse(value):
        raise ValueError("never")

    with pytest.raises(ValueError, match="never"):
        AddConfigVar("own_simple", "", ConfigParam("bad", refuse))


def test_enum_needs_strings():
    with pytest.raises(ValueError, match="should be strings"):
        EnumStr("a", 3)


def test_printing():
    text = str(config)
    assert "floatX (('float64', 'float32', 'float16')) \n    Doc:  " in text
    assert "    Value:  float64\n" in text


def test_hash_follows_the_flags_that_count():
    before = configparser.get_config_hash()
    with change_flags(openmp=True):
        assert configparser.get_config_hash() == before
    with change_flags(floatX="float32"):
        assert configparser.get_config_hash() != before


def test_every_flag_has_a_meaning():
    for parameter in configparser._config_var_list:
        assert parameter.doc.endswith("."), parameter.fullname


def test_valid_function():
    parameter = BoolParam(False)
    parameter.fullname = "x"
    with pytest.raises(ValueError, match=r'Invalid value \(no\) for configuration variable "x"'):
        parameter.__set__(None, "no")


# ---- what single flags do


SETERR = (
    "import theano, theano.tensor as T, warnings\n"
    "x, s = T.vector('x'), T.scalar('s')\n"
    "warnings.simplefilter('always')\n"
    "@theano.as_op([T.dvector], [T.dvector])\n"
    "def mine(x): return 1 / x\n"
    "r, _ = theano.scan(lambda a: T.log(a), x)\n"
    "host = theano.Mode('py', 'fast_run')\n"
    "cases = [(theano.function([s], T.log(s) + 1), 0.), (theano.function([x], T.log(x)), [0.]),\n"
    "    (theano.function([x], T.log(x), mode=host), [0.]), (theano.function([x], mine(x) * 2), [0.]),\n"
    "    (theano.function([x], r, mode=host), [0.])]\n"
    "for f, a in cases:\n"
    "    with warnings.catch_warnings(record=True) as found:\n"
    "        try: f(a)\n"
    "        except FloatingPointError as e: print(str(e).split(chr(10))[:2])\n"
    "    for w in found: print(w.category.__name__, str(w.message), w.filename)\n"
    "    print(len(found))\n"
)


def test_numpys_warnings_name_the_node(tmp_path):
    told = run(SETERR, tmp_path, "numpy.seterr_divide=warn")[0]
    # numbers, XLA (which tells of none), the host, an Op in Python, the step of a loop
    assert told.splitlines() == [
        "RuntimeWarning divide by zero encountered in Elemwise{log,no_inplace}(s) <string>",
        "1",
        "0",
        "RuntimeWarning divide by zero encountered in Elemwise{log,no_inplace}(x) <string>",
        "1",
        "RuntimeWarning divide by zero encountered in FromFunctionOp{mine}(x) <string>",
        "1",
        "RuntimeWarning divide by zero encountered in Elemwise{log,no_inplace}(Subtensor{int64:int64:int8}.0) <string>",
        "1",
    ]


def test_numpys_errors_name_the_node(tmp_path):
    told = run(SETERR, tmp_path, "numpy.seterr_all=raise")[0].splitlines()
    nodes = [line.rpartition("error: ")[2] for line in told if "Apply node" in line]
    loop = "Elemwise{log,no_inplace}(Subtensor{int64:int64:int8}.0)']"
    assert [n.replace("']", "") for n in nodes] == [
        "Elemwise{log,no_inplace}(s)",
        "Elemwise{log,no_inplace}(x)",
        "FromFunctionOp{mine}(x)",
        loop.replace("']", ""),
    ]
    assert run(SETERR, tmp_path)[0].split() == ["0"] * 5


def test_inplace_rewrites_leave_numbers_alone():
    import theanojax.tensor as T
    from theanojax import function

    x, s = T.vector(), T.scalar()

    def overwrites():
        f = function([x, s], [T.exp(x) + s, T.sum(x) * T.exp(s) / 3])
        return sorted(n.outputs[0].ndim for n in f.maker.fgraph.apply_nodes if getattr(n.op, "destroy_map", None))

    one = overwrites()
    with change_flags({"tensor.insert_inplace_optimizer_validate_nb": 10}):
        several = overwrites()
    assert [d for d in one if d] == [d for d in several if d]
    assert 0 in one and 0 not in several


def test_scan_debug_tells_which_rewrite_takes_a_loop_away(capsys):
    import theanojax
    import theanojax.tensor as T

    x = T.vector()
    r, _ = theanojax.scan(lambda a: a * 2, x)
    with change_flags({"scan.debug": True}):
        theanojax.function([x], r)
    assert "Scan removed 1 0 " in capsys.readouterr().out
    theanojax.function([x], r + 1)
    assert "Scan" not in capsys.readouterr().out


def test_test_values_that_are_missing_are_warned_of_one_by_one():
    import theanojax.tensor as T

    x, y, z = T.vector("x"), T.vector("y"), T.vector("z")
    y.tag.test_value = [1.0]
    with change_flags(compute_test_value="warn"), pytest.warns(UserWarning) as found:
        T.add(x, y, z)
    texts = [str(w.message) for w in found]
    node = "Elemwise{add,no_inplace}(x, y, z)"
    wanted = "Warning, Cannot compute test value: input %%d (%%s) of Op %s missing default value" % node
    assert texts == [wanted % place for place in ((0, "x"), (2, "z"))]
    assert found[0].filename == __file__
