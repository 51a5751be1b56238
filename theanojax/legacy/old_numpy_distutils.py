"""numpy.distutils, gone with distutils: old packages import it and do without."""
