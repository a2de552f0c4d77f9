"""Codes the samples on standard input with a codec of spandsp, and decodes them again: spandsp.py g722|g726 RATE [PACKING]

RATE in bit/s; PACKING of G.726: 1 for the highest bits first, 2 for the lowest. Writes the octets, then the samples.
Leaves with status 3 where spandsp is not installed.
"""

import ctypes
import sys

codec, rate, packing = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
try:
    spandsp = ctypes.CDLL("libspandsp.so.2")
except OSError:
    sys.exit(3)


def state(name, *arguments):
    init = getattr(spandsp, name)
    init.restype = ctypes.c_void_p
    return ctypes.c_void_p(init(None, rate, *arguments))


if codec == "g726":
    encoder, decoder = (state("g726_init", 0, int(packing[0])) for _ in range(2))
else:
    encoder, decoder = state("g722_encode_init", 0), state("g722_decode_init", 0)
samples = sys.stdin.buffer.read()
octets = ctypes.create_string_buffer(len(samples))
coded = getattr(spandsp, f"{codec}_encode")(encoder, octets, samples, len(samples) // 2)
again = ctypes.create_string_buffer(2 * len(samples))
decoded = getattr(spandsp, f"{codec}_decode")(decoder, again, octets, coded)
sys.stdout.buffer.write(octets.raw[:coded] + again.raw[: 2 * decoded])
