"""Golden files of overlays as tests of pytest."""
