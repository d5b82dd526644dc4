"""History at the command line: asked over HTTP, printed as tables and plots."""
