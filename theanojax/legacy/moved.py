"""Names that Python, numpy and scipy have dropped or moved, and where they are today.

One row serves both ways to use an old program: `theanojax run` hands the thing out under its old name
(`theanojax.legacy.script_names`), `theanojax convert` writes today's name (`theanojax.legacy.modern`).
"""

from __future__ import annotations

import collections.abc
import importlib
import importlib.util
from types import ModuleType
from typing import Any

OURS = "theanojax.legacy"

# Modules: where each is today. What is gone for good has a stand-in of ours.
MODULES = {
    "imp": f"{OURS}.old_imp",
    "distutils": f"{OURS}.old_distutils",
    **{f"distutils.{name}": f"{OURS}.old_distutils" for name in ("version", "spawn", "util", "dir_util", "file_util")},
    "cgi": f"{OURS}.old_cgi",
    "pipes": f"{OURS}.old_pipes",
    "pkg_resources": f"{OURS}.old_pkg_resources",
    "numpy.distutils": f"{OURS}.old_numpy_distutils",
    "xml.etree.cElementTree": "xml.etree.ElementTree",
    **{name: f"{OURS}.old_scipy" for name in ("scipy.misc", "scipy.misc.pilutil")},
    **{name: "scipy.linalg.blas" for name in ("scipy.linalg.fblas", "scipy.lib.blas")},
    **{f"numpy.lib.{part}": "numpy" for part in ("function_base", "arraysetops", "twodim_base", "shape_base")},
    **{
        f"numpy.lib.{part}": "numpy"
        for part in ("arraypad", "index_tricks", "type_check", "nanfunctions", "polynomial")
    },
    **{"numpy.dual": "numpy.linalg", "numpy.linalg.linalg": "numpy.linalg", "numpy.fft.fftpack": "numpy.fft"},
    **{"numpy.testing.utils": "numpy.testing", "numpy.testing.decorators": "numpy.testing"},
    "numpy.core": "numpy._core",
    **{f"numpy.core.{part}": f"numpy._core.{part}" for part in ("numeric", "multiarray", "fromnumeric", "umath")},
    **{
        f"numpy.core.{part}": f"numpy._core.{part}"
        for part in ("defchararray", "records", "numerictypes", "shape_base")
    },
    "numpy.core.umath_tests": "numpy._core._umath_tests",
    **{f"sklearn.{name}": f"{OURS}.old_sklearn" for name in ("cross_validation", "grid_search", "learning_curve")},
    **{"sklearn.datasets.base": "sklearn.datasets._base", "sklearn.utils.testing": "sklearn.utils._testing"},
    **{"sklearn.externals.joblib": "joblib", "sklearn.externals.six": "six"},
}

_METHODS_OF_TESTS = {
    **{"assertEquals": "assertEqual", "assertNotEquals": "assertNotEqual", "assert_": "assertTrue"},
    **{"assertAlmostEquals": "assertAlmostEqual", "assertNotAlmostEquals": "assertNotAlmostEqual"},
    **{"assertItemsEqual": "assertCountEqual", "assertRegexpMatches": "assertRegex"},
    **{"assertRaisesRegexp": "assertRaisesRegex", "assertNotRegexpMatches": "assertNotRegex"},
    **{"failUnless": "assertTrue", "failIf": "assertFalse", "failUnlessEqual": "assertEqual"},
    **{"failUnlessRaises": "assertRaises", "assertDictContainsSubset": "assertDictContainsSubset"},
}
# Methods of classes: module -> class -> old name -> today's.
METHODS: dict[str, dict[str, dict[str, str]]] = {
    "unittest": {"TestCase": _METHODS_OF_TESTS},
    "threading": {"Thread": {"isAlive": "is_alive"}},
    "configparser": {name: {"readfp": "read_file"} for name in ("RawConfigParser", "ConfigParser")},
    "array": {"array": {"tostring": "tobytes", "fromstring": "frombytes"}},
}

_TODAY_IN_STRING = {"letters": "ascii_letters", "lowercase": "ascii_lowercase", "uppercase": "ascii_uppercase"}
_METHODS_IN_STRING = "lower upper strip lstrip rstrip split rsplit replace find rfind count zfill ljust rjust center"

_WINDOWS = (
    "barthann bartlett blackman blackmanharris bohman boxcar chebwin cosine exponential flattop gaussian "
    "general_gaussian hamming hann kaiser nuttall parzen triang tukey"
)

# Names of modules: module -> old name -> where it is today.
NAMES: dict[str, dict[str, str]] = {
    "collections": {name: f"collections.abc.{name}" for name in collections.abc.__all__},
    "time": {"clock": "time.process_time"},
    "configparser": {"SafeConfigParser": "configparser.ConfigParser"},
    "fractions": {"gcd": "math.gcd"},
    "inspect": {"getargspec": f"{OURS}.old_python.getargspec"},
    "platform": {name: f"{OURS}.old_python.{name}" for name in ("linux_distribution", "dist")},
    "asyncio": {"coroutine": "types.coroutine", "async": "asyncio.ensure_future"},
    "cgi": {"escape": f"{OURS}.old_cgi.escape"},
    "random": {"jumpahead": f"{OURS}.old_python.jumpahead"},
    "base64": {"encodestring": "base64.encodebytes", "decodestring": "base64.decodebytes"},
    "scipy.signal": {
        **{name: f"scipy.signal.windows.{name}" for name in _WINDOWS.split()},
        "hanning": "scipy.signal.windows.hann",
    },
    "scipy.integrate": {
        **{"simps": "scipy.integrate.simpson", "trapz": "scipy.integrate.trapezoid"},
        "cumtrapz": "scipy.integrate.cumulative_trapezoid",
    },
    "scipy.stats": {
        **{"nanmean": "numpy.nanmean", "nanstd": "numpy.nanstd", "nanmedian": "numpy.nanmedian"},
        **{"betai": "scipy.special.betainc", "binom_test": f"{OURS}.old_scipy.binom_test"},
    },
    "sklearn.datasets": {name: f"{OURS}.old_sklearn.{name}" for name in ("fetch_mldata", "load_boston")},
    "scipy.special": {"errprint": "scipy.special.errstate", "sph_jn": "scipy.special.spherical_jn"},
    "sklearn.utils": {"safe_indexing": f"{OURS}.old_sklearn.safe_indexing"},
    "scipy.linalg": {
        "pinv2": "scipy.linalg.pinv",
        **{name: f"numpy.{name}" for name in ("kron", "tri", "tril", "triu")},
    },
    "matplotlib.cm": {
        "register_cmap": f"{OURS}.old_matplotlib.register_cmap",
        "get_cmap": "matplotlib.pyplot.get_cmap",
    },
    "matplotlib.pyplot": {"register_cmap": f"{OURS}.old_matplotlib.register_cmap"},
    "scipy.misc": {
        **{name: f"scipy.special.{name}" for name in ("comb", "factorial", "factorial2", "factorialk", "logsumexp")}
    },
    **{name: dict.fromkeys(("Num", "Str", "Bytes", "NameConstant"), "ast.Constant") for name in ("_ast", "ast")},
    "numpy.core.numerictypes": {"find_common_type": f"{OURS}.old_numpy._find_common_type"},
    "numpy": {
        # aliases of Python's types and modules
        **{name: f"builtins.{name}" for name in ("int", "float", "complex", "bool", "object", "str")},
        **{"long": "builtins.int", "unicode": "builtins.str", "math": "math", "sys": "sys"},
        # other names of types and constants
        **{"float_": "numpy.float64", "complex_": "numpy.complex128", "singlecomplex": "numpy.complex64"},
        **{"cfloat": "numpy.complex128", "longfloat": "numpy.longdouble", "longcomplex": "numpy.clongdouble"},
        **{"clongfloat": "numpy.clongdouble", "string_": "numpy.bytes_", "unicode_": "numpy.str_"},
        **{"bool8": "numpy.bool_", "int0": "numpy.intp", "uint0": "numpy.uintp", "object0": "numpy.object_"},
        **{"str0": "numpy.str_", "bytes0": "numpy.bytes_", "void0": "numpy.void"},
        **{name: "numpy.inf" for name in ("Inf", "Infinity", "infty", "PINF")},
        **{"NaN": "numpy.nan", "NAN": "numpy.nan", "typeDict": "numpy.sctypeDict"},
        # functions under other names
        **{"product": "numpy.prod", "cumproduct": "numpy.cumprod", "sometrue": "numpy.any", "alltrue": "numpy.all"},
        **{"round_": "numpy.round", "row_stack": "numpy.vstack", "rank": "numpy.ndim", "alen": "builtins.len"},
        **{"mat": "numpy.asmatrix", "trapz": "numpy.trapezoid", "issubsctype": "numpy.issubdtype"},
    },
}

# The same for programs in Python 2 alone.
NAMES_SINCE_2: dict[str, dict[str, str]] = {
    "sys": {"maxint": "sys.maxsize"},
    "os": {"getcwdu": "os.getcwd", "errno": "errno"},
    "itertools": {
        **{"izip": "builtins.zip", "imap": "builtins.map", "ifilter": "builtins.filter"},
        **{"izip_longest": "itertools.zip_longest", "ifilterfalse": "itertools.filterfalse"},
    },
    "operator": {
        **{"div": f"{OURS}.python2_values.div", "idiv": f"{OURS}.python2_values.idiv"},
        **{"isCallable": "builtins.callable", "sequenceIncludes": "operator.contains"},
    },
    "string": {
        **{old: f"string.{new}" for old, new in _TODAY_IN_STRING.items()},
        **{"maketrans": "builtins.str.maketrans", "atof": "builtins.float", "atoi": "builtins.int"},
        "atol": "builtins.int",
        **{name: f"builtins.str.{name}" for name in _METHODS_IN_STRING.split()},
    },
    "types": {
        **{"StringType": "builtins.str", "UnicodeType": "builtins.str", "StringTypes": "builtins.str"},
        **{"IntType": "builtins.int", "LongType": "builtins.int", "FloatType": "builtins.float"},
        **{"BooleanType": "builtins.bool", "ComplexType": "builtins.complex", "ListType": "builtins.list"},
        **{"TupleType": "builtins.tuple", "DictType": "builtins.dict", "DictionaryType": "builtins.dict"},
        **{"ObjectType": "builtins.object", "InstanceType": "builtins.object", "FileType": "builtins.object"},
        **{"TypeType": "builtins.type", "ClassType": "builtins.type", "SliceType": "builtins.slice"},
        **{"XRangeType": "builtins.range", "BufferType": "builtins.memoryview"},
    },
    "urllib": {
        **{name: f"urllib.request.{name}" for name in ("urlopen", "urlretrieve", "urlcleanup", "pathname2url")},
        **{name: f"urllib.parse.{name}" for name in ("quote", "quote_plus", "unquote", "unquote_plus", "urlencode")},
        "url2pathname": "urllib.request.url2pathname",
    },
}

# Modules that programs get as they are, where they are there.
KEPT = ("cgi", "distutils", "pipes", "pkg_resources")


def today(module: str) -> str:
    """The name that the module `module` has today."""
    if module not in MODULES or module.partition(".")[0] in KEPT and importlib.util.find_spec(module.partition(".")[0]):
        return module
    return MODULES[module]


def find(path: str) -> Any:
    """What a dotted path of the tables stands for."""
    parts = path.split(".")
    value: Any = importlib.import_module(parts[0])
    for number, part in enumerate(parts[1:], 2):
        if isinstance(value, ModuleType) and not hasattr(value, part):
            value = importlib.import_module(".".join(parts[:number]))
        else:
            value = getattr(value, part)
    return value
