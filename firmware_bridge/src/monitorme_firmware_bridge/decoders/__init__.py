"""The decoders that come with the bridge; each comes through the decoders' door."""
