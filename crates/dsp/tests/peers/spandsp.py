"""Codes the samples on standard input with a codec of spandsp, and decodes them again, in each of the ways asked for:
spandsp.py g722|g726 RATE[:PACKING] …

RATE in bit/s; PACKING of G.726: 1 for the highest bits first, 2 for the lowest. Writes the octets and then the samples of the
first way, of the second, …
Leaves with status 3 where spandsp is not installed.
"""

import ctypes
import sys

try:
    spandsp = ctypes.CDLL("libspandsp.so.2")
except OSError:
    sys.exit(3)


def state(name, *arguments):
    init = getattr(spandsp, name)
    init.restype = ctypes.c_void_p
    return ctypes.c_void_p(init(None, *arguments))


codec = sys.argv[1]
samples = sys.stdin.buffer.read()
octets = ctypes.create_string_buffer(len(samples))
again = ctypes.create_string_buffer(2 * len(samples))
for way in sys.argv[2:]:
    rate, _, packing = way.partition(":")
    if codec == "g726":
        encoder, decoder = (state("g726_init", int(rate), 0, int(packing)) for _ in range(2))
    else:
        encoder = state("g722_encode_init", int(rate), 0)
        decoder = state("g722_decode_init", int(rate), 0)
    coded = getattr(spandsp, f"{codec}_encode")(encoder, octets, samples, len(samples) // 2)
    decoded = getattr(spandsp, f"{codec}_decode")(decoder, again, octets, coded)
    sys.stdout.buffer.write(octets.raw[:coded] + again.raw[: 2 * decoded])
