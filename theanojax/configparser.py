"""Typed configuration flags: where their values come from, and how they are read and set.

A flag takes its value from the first of these that names it:

1. an assignment, `theano.config.floatX = "float32"`;
2. the environment variable THEANO_FLAGS, as in `THEANO_FLAGS=floatX=float32,blas.ldflags=-lopenblas`;
3. the files named by THEANORC (the rightmost wins), else `~/.theanorc`, in INI form: the option `x` of
   the section `[blas]` is the flag `blas.x`, and the section `[global]` has the flags without a dot;
4. the default in the table of flags (`theanojax.configflags`, `theanojax.configinert`).

The flags live on classes rather than on instances: a flag is a descriptor, so that `config.floatX`
checks what is assigned, and every instance of `TheanoConfigParser` shows the same values. Each dotted
prefix (`config.blas`) is an instance of a class of its own.
"""

from __future__ import annotations

import configparser
import contextlib
import functools
import io
import os
import shlex
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any


class TheanoConfigWarning(Warning):
    """Something in the configuration was ignored. See docs/errors.md#theanoconfigwarning."""

    @classmethod
    def warn(cls, message: str, stacklevel: int = 0) -> None:
        """Issue this warning, pointing at the caller of our caller."""
        warnings.warn(message, cls, stacklevel=stacklevel + 3)


def parse_config_string(config_string: str, issue_warnings: bool = True) -> dict[str, str]:
    """The `key=value` pairs, separated by commas, of a THEANO_FLAGS string; the last of a key wins.

    Theano-PyMC wrote `gcc__cxxflags` for `gcc.cxxflags`: both are one key, here and as attributes of the configuration.
    """
    splitter = shlex.shlex(config_string, posix=True)
    splitter.whitespace = ","
    splitter.whitespace_split = True
    found: dict[str, str] = {}
    for item in (piece.strip() for piece in splitter):
        key, equals, value = item.partition("=")
        if equals:
            found[key.replace("__", ".")] = value
        elif item and issue_warnings:
            TheanoConfigWarning.warn(f"Config key '{item}' has no value, ignoring it", stacklevel=1)
    return found


def config_files_from_theanorc() -> list[str]:
    """The configuration files to read, the least important first."""
    named = os.environ.get("THEANORC")
    paths = (named if named is not None else "~/.theanorc").split(os.pathsep)
    if named is None and sys.platform == "win32":
        paths.append("~/.theanorc.txt")
    return [os.path.expanduser(path) for path in paths]


def _file_substitutions() -> dict[str, str]:
    """What `%(NAME)s` in a configuration file may refer to."""
    home_name = os.path.basename(os.path.expanduser("~"))
    names = {name: os.environ.get(name, "") for name in ("LSCRATCH", "TMPDIR", "TEMP", "TMP")}
    return {"USER": os.environ.get("USER", home_name), "PID": str(os.getpid()), **names}


THEANO_FLAGS = os.environ.get("THEANO_FLAGS", "")
# What nobody has claimed yet: registering a flag takes its entry out, and what is left is unknown.
THEANO_FLAGS_DICT = parse_config_string(THEANO_FLAGS)


def read_environment_again() -> bool:
    """Take the flags of THEANO_FLAGS, if the variable has changed since this module was imported: whether it has."""
    global THEANO_FLAGS
    text = os.environ.get("THEANO_FLAGS", "")
    if text == THEANO_FLAGS:
        return False
    THEANO_FLAGS, given = text, parse_config_string(text)
    for param in _config_var_list:
        if param.fullname in given:
            vars(param).pop("val", None)
            param.is_default, param.given = False, given.pop(param.fullname)
            param._set_first(param.given)
    for name in given:
        warnings.warn(unknown_flag(name), stacklevel=3)
    return True


def unknown_flag(name: str) -> str:
    """What is said of a flag in THEANO_FLAGS that nobody knows."""
    import difflib

    by_small = {param.fullname.lower(): param.fullname for param in _config_var_list}
    near = difflib.get_close_matches(name.lower(), by_small, 1)
    return f"Theano does not recognise this flag: {name}" + (f" (did you mean {by_small[near[0]]}?)" if near else "")


config_files = config_files_from_theanorc()
theano_cfg = configparser.ConfigParser(_file_substitutions())
try:
    theano_cfg.read(config_files)
except configparser.MissingSectionHeaderError as error:
    error.add_note("Flags without a dot stand below a line [global], blas.ldflags as ldflags below [blas]")
    raise
# A second reading without substitution, for values that contain a bare `%`.
theano_raw_cfg = configparser.RawConfigParser()
theano_raw_cfg.read(config_files)


def fetch_val_for_key(key: str, delete_key: bool = False) -> str:
    """What THEANO_FLAGS or a configuration file says about `key`; KeyError where neither names it."""
    if key in THEANO_FLAGS_DICT:
        return THEANO_FLAGS_DICT.pop(key) if delete_key else THEANO_FLAGS_DICT[key]
    section, dot, option = key.rpartition(".")
    if not dot:
        section = "global"
    for reading in (theano_cfg, theano_raw_cfg):
        try:
            return reading.get(section, option)
        except configparser.InterpolationError:
            continue
        except (configparser.NoOptionError, configparser.NoSectionError):
            break
    raise KeyError(key)


class ConfigParam:
    """One flag: a descriptor that reads its first value lazily and filters every assignment.

    `default` is a value or a function of no argument, called when the value is first wanted. `filter`
    turns an assigned value (a string, where it comes from a file) into the one stored, or raises. With
    `allow_override` false the value can't change once it is known.
    """

    fullname = "(unregistered)"
    doc = ""
    in_c_key = True
    inert = ""  # why it means nothing, if it does
    given: str | None = None  # what THEANO_FLAGS or a file says

    def __init__(self, default: Any, filter: Callable[[Any], Any] | None = None, allow_override: bool = True):
        self.default, self.is_default = default, True
        self.filter, self.allow_override = filter, allow_override

    def __get__(self, cls: Any, type_: type | None, delete_key: bool = False) -> Any:
        if cls is None:
            return self
        if _here.flags and self.fullname in _here.flags:
            return _here.flags[self.fullname]
        try:
            return self.val
        except AttributeError:
            pass  # and an error of the first value is not one that followed from this
        self._set_first(self._first_value(delete_key))
        return self.val

    def _set_first(self, value: Any) -> None:
        """Set the first value; an error says where one that is not the default comes from."""
        try:
            self.__set__(None, value)
        except ValueError as error:
            if not self.is_default:
                error.add_note(f"THEANO_FLAGS, or a .theanorc, has {self.fullname}={value}")
            raise

    def __reduce__(self) -> Any:
        # One process has each flag once: what holds it, a `change_flags`, can be copied and pickled.
        return flag_named, (self.fullname,)

    def _first_value(self, delete_key: bool) -> Any:
        try:
            value = fetch_val_for_key(self.fullname, delete_key=delete_key)
        except KeyError:
            return self.default() if callable(self.default) else self.default
        self.is_default, self.given = False, value
        return value

    def is_changed(self) -> bool:
        """Whether the value is another than the default."""
        if self.is_default and not hasattr(self, "val") and self.fullname not in _here.flags:
            return False
        default = self.default() if callable(self.default) else self.default
        return bool(self.__get__(True, None) != (self.filter(default) if self.filter else default))

    def __set__(self, cls: Any, val: Any) -> None:
        if not self.allow_override and hasattr(self, "val"):
            # A plain Exception is what programs catch.
            raise Exception("Can't change the value of this config parameter after initialization!")
        val = self.filter(val) if self.filter else val
        if self.fullname in _here.flags:
            _here.flags[self.fullname] = val
        else:
            self.val = val


class EnumStr(ConfigParam):
    """A flag with a fixed list of strings as values, the default first; the others may be given as one list."""

    def __init__(
        self, default: str, *options: Any, convert: Callable[[str], str] | None = None, allow_override: bool = True
    ):
        self.all = (default, *(options[0] if options and isinstance(options[0], list) else options))
        for option in self.all:
            if not isinstance(option, str):
                raise ValueError("Valid values for an EnumStr parameter should be strings", option, type(option))

        def choose(val: Any) -> Any:
            val = convert(val) if convert else val
            if val not in self.all:
                raise ValueError(
                    f'Invalid value ("{val}") for configuration variable "{self.fullname}". '
                    f"Valid options are {self.all}"
                )
            return val

        super().__init__(default, choose, allow_override)

    def __str__(self) -> str:
        return f"{self.fullname} ({self.all}) "


class TypedParam(ConfigParam):
    """A flag of one Python type; `is_valid` may refuse values of that type."""

    def __init__(
        self,
        default: Any,
        mytype: Callable[[Any], Any],
        is_valid: Callable[[Any], bool] | None = None,
        allow_override: bool = True,
    ):
        self.mytype = mytype

        def convert(val: Any) -> Any:
            converted = mytype(val)
            if callable(is_valid) and not is_valid(converted):
                raise ValueError(f'Invalid value ({val}) for configuration variable "{self.fullname}".', val)
            return converted

        super().__init__(default, convert, allow_override)

    def __str__(self) -> str:
        return f"{self.fullname} ({self.mytype}) "


_BOOLEANS = {"False": False, "false": False, "0": False, "True": True, "true": True, "1": True}


def booltype(value: Any) -> bool | None:
    """The boolean that `value` (one, or its spelling) stands for; None where it stands for none."""
    if isinstance(value, str):
        return _BOOLEANS.get(value)
    return bool(value) if value in (False, True) else None


def StrParam(default: Any, is_valid: Callable[[str], bool] | None = None, allow_override: bool = True) -> TypedParam:
    """A flag that holds a string."""
    return TypedParam(default, str, is_valid, allow_override)


def IntParam(default: Any, is_valid: Callable[[int], bool] | None = None, allow_override: bool = True) -> TypedParam:
    """A flag that holds an integer."""
    return TypedParam(default, int, is_valid, allow_override)


def FloatParam(
    default: Any, is_valid: Callable[[float], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds a float."""
    return TypedParam(default, float, is_valid, allow_override)


def BoolParam(default: Any, is_valid: Callable[[bool], bool] | None = None, allow_override: bool = True) -> TypedParam:
    """A flag that is true or false, spelled True, true, 1, False, false or 0."""
    if is_valid is None:

        def is_valid(value: Any) -> bool:
            return value is not None

    return TypedParam(default, booltype, is_valid, allow_override)


# Every registered flag, in the order of registration.
_config_var_list: list[ConfigParam] = []


class _Here(threading.local):
    flags: dict[str, Any] = {}  # replaced, and never changed where it is empty


_here = _Here()


@contextlib.contextmanager
def flags_of_thread(args: Mapping[str, Any] | Any = (), **kwargs: Any) -> Iterator[None]:
    """Other values for some flags, as by `change_flags`, which the other threads do not see."""
    before = _here.flags
    _here.flags = {**before, **dict(args), **kwargs}
    try:
        yield
    finally:
        _here.flags = before


def flag_named(fullname: str) -> ConfigParam:
    """The registered flag of that name."""
    return next(param for param in _config_var_list if param.fullname == fullname)


_flag = flag_named  # as pickles call it


class change_flags:
    """Other values for some flags, for the length of a `with` block or of a decorated function.

    Flags with a dot in their name go into a dictionary (or a list of pairs):
    `change_flags({"DebugMode.patience": 1}, floatX="float32")`.
    """

    def __init__(self, args: Mapping[str, Any] | Any = (), **kwargs: Any):
        self.new_vals = {name.replace("__", "."): value for name, value in {**dict(args), **kwargs}.items()}
        known = {param.fullname: param for param in _config_var_list}
        unknown = sorted(set(self.new_vals) - set(known))
        # An AssertionError is what the original raises here.
        if unknown:
            raise AssertionError(f"No such configuration flags: {', '.join(unknown)}")
        self.confs = {name: known[name] for name in self.new_vals}

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(f)
        def with_flags(*args: Any, **kwargs: Any) -> Any:
            # A fresh one each call, so that a decorated function may call itself.
            with change_flags(self.new_vals):
                return f(*args, **kwargs)

        return with_flags

    def __enter__(self) -> None:
        self.old_vals = {name: param.__get__(True, None) for name, param in self.confs.items()}
        try:
            for name, param in self.confs.items():
                param.__set__(None, self.new_vals[name])
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exc_info: object) -> None:
        for name, param in self.confs.items():
            # Restoring a flag that can't change would raise a second, misleading, error.
            if param.allow_override:
                param.__set__(None, self.old_vals[name])


class TheanoConfigParser:
    """The configuration: each flag is an attribute, each dotted prefix an attribute with attributes."""

    _i_am_a_config_class = True
    # Where Theano's successors looked for it, and hence their users.
    change_flags = change_flags
    if TYPE_CHECKING:  # the flags

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    @staticmethod
    def add(name: str, doc: str, configparam: ConfigParam, in_c_key: bool = True) -> None:
        """Register the flag `name`, as `AddConfigVar` does: Theano-PyMC's way, with ``__`` for a dot."""
        AddConfigVar(name.replace("__", "."), doc, configparam, in_c_key=in_c_key)

    def __str__(self, print_doc: bool = True) -> str:
        text = io.StringIO()
        _config_print(type(self), text, print_doc=print_doc)
        return text.getvalue()

    def __repr__(self) -> str:
        changed = ", ".join(f"{name}={value}" for name, value in changed_flags())
        return f"<theano.config: {changed or 'all flags at their defaults'}>"

    def _repr_html_(self) -> str:
        """The flags as a table; those that were changed are bold."""
        import html

        rows = []
        for param in _config_var_list:
            value = html.escape(str(param.__get__(True, None)))
            value = f"<b>{value}</b>" if param.is_changed() else value
            cells = (param.fullname, value, html.escape(param.doc))
            rows.append("".join(f'<td style="text-align:left">{cell}</td>' for cell in cells))
        return f"<table><tr><th>flag</th><th>value</th><th>meaning</th></tr><tr>{'</tr><tr>'.join(rows)}</tr></table>"


config = TheanoConfigParser()


def given_flags() -> dict[str, str]:
    """The flags that the environment or a file sets, as these have them."""
    return {param.fullname: param.given for param in _config_var_list if param.given is not None}


def changed_flags() -> list[tuple[str, str]]:
    """The flags that are not at their defaults, with their values as text."""
    return [(param.fullname, str(param.__get__(True, None))) for param in _config_var_list if param.is_changed()]


def _config_print(thing: Any, buf: Any, print_doc: bool = True) -> None:
    """Write every flag, with its value, to `buf`; `thing` is there for the sake of old callers."""
    for param in _config_var_list:
        print(param, file=buf)
        if print_doc:
            print("    Doc: ", param.doc, file=buf)
        print("    Value: ", param.__get__(True, None), file=buf)
        print(file=buf)


def get_config_hash() -> str:
    """A hash of the flags registered with `in_c_key`: those that decide what compiled code does."""
    relevant = sorted((param for param in _config_var_list if param.in_c_key), key=lambda param: param.fullname)
    lines = [f"{param.fullname} = {param.__get__(True, None)}" for param in relevant]
    import hashlib

    return "m" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _section(root: Any, name: str) -> Any:
    """The node of the configuration tree below `root` called `name`, made if need be."""
    if not hasattr(root, name):
        node_class = type("SubObj", (), {"_i_am_a_config_class": True})
        setattr(type(root), name, node_class())
    node = getattr(root, name)
    if not getattr(node, "_i_am_a_config_class", False) or isinstance(node, type):
        raise TypeError("Internal config nodes must be config class instances", node)
    return node


def AddConfigVar(name: str, doc: str, configparam: ConfigParam, root: Any = config, in_c_key: bool = True) -> None:
    """Register the flag `name`, dots included, below `root` (the whole configuration unless told).

    The value that the user's environment gives is checked at once; so is the default, unless it has to
    be computed.
    """
    if root is config:
        configparam.fullname = name
    *sections, option = name.split(".")
    for section in sections:
        root = _section(root, section)
    if hasattr(root, option):
        raise AttributeError("This name is already taken", configparam.fullname)
    configparam.doc = doc
    configparam.in_c_key = in_c_key
    if not callable(configparam.default) or _is_given(configparam.fullname):
        configparam.__get__(root, type(root), delete_key=True)
    setattr(type(root), option, configparam)
    if sections:
        setattr(TheanoConfigParser, configparam.fullname.replace(".", "__"), configparam)
    _config_var_list.append(configparam)


def _is_given(key: str) -> bool:
    try:
        fetch_val_for_key(key)
    except KeyError:
        return False
    return True
