"""Modes that look at what a function computes: DebugMode, NanGuardMode, MonitorMode."""
