#!/usr/bin/env python3
"""Judges concealment by PESQ (ITU-T P.862, narrow band) on speech that lost packets.

    plc.py CLIPS... [--conceal COMMAND] [--law] [--jobs N] [--only METHODS] [--rates PERCENT...]

CLIPS are WAV files (8 kHz mono, or 16 kHz) or folders of them, one folder a talker: sentences are joined to clips of
eight seconds. The lost packets of 20 ms follow Gilbert and Elliott with mean bursts as in docs/dsp/concealment.md; the
same packets are lost for each method. Methods: `zero`, `repeat` (-3 dB each packet), `appendix1` (the algorithm of G.711
appendix I, written here anew, with its 3.75 ms of delay taken out before PESQ), `spandsp` (where its library is
installed), and `ours`, the command that `--conceal` names (target/release/examples/conceal).

Needs Python's numpy and pesq. Prints for each rate the mean and the tenth percentile over the clips, the clips' mean
spectral distortion in dB, clicks a minute, and the difference of `ours` from appendix I with its standard error.
"""

import argparse
import ctypes
import ctypes.util
import multiprocessing
import pathlib
import random
import subprocess
import tempfile
import wave

import numpy as np
import pesq

RATE = 8000
PACKET = 160
CLIP = 8 * RATE
# Loss in percent, mean burst in packets.
LOSSES = {1: 1.0, 3: 1.2, 5: 1.5, 10: 1.5, 20: 2.0}


# ---- speech and losses ----------------------------------------------------------------------------------------------


def read(path):
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        if file.getsampwidth() != 2 or rate not in (RATE, 2 * RATE):
            return np.zeros(0, np.int16)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)[::channels]
    if rate == 2 * RATE:
        n = np.arange(-64, 65)
        low_pass = 0.47 * np.sinc(0.47 * n) * np.kaiser(129, 8)
        samples = np.convolve(samples, low_pass, "same")[::2].round().astype(np.int16)
    return samples


def joined(paths, count):
    """Clips of eight seconds out of sentences of at least 2 s with pauses of 0.3 s between them."""
    clips, clip = [], np.zeros(0, np.int16)
    for path in paths:
        samples = read(path)
        if len(samples) < 2 * RATE or np.abs(samples.astype(float)).max() < 1000:
            continue
        clip = np.concatenate([clip, np.zeros(RATE * 3 // 10, np.int16), samples])
        if len(clip) >= CLIP:
            clips.append(clip[:CLIP])
            clip = np.zeros(0, np.int16)
        if len(clips) == count:
            break
    return clips


def clips_of(arguments, per_talker):
    clips = []
    for argument in map(pathlib.Path, arguments):
        if argument.is_dir():
            paths = sorted(argument.rglob("*.wav"))
            random.Random(argument.name).shuffle(paths)
            clips += joined(paths, per_talker)
        else:
            samples = read(argument)
            clips += [samples[i : i + CLIP] for i in range(0, len(samples) - CLIP + 1, CLIP)][:per_talker]
    return [clip for clip in clips if np.abs(clip.astype(float)).mean() > 100]


def lost_packets(seed, percent, packets):
    """One bit a packet; the first five arrive."""
    chance, loss = random.Random(f"{seed} {percent}"), percent / 100
    recover = 1 / LOSSES[percent]
    fail = recover * loss / (1 - loss)
    lost, bad = [], chance.random() < loss
    for n in range(packets):
        lost.append(bad and n >= 5)
        bad = chance.random() >= recover if bad else chance.random() < fail
    return lost


# ---- the peers ------------------------------------------------------------------------------------------------------


def zero(samples, lost):
    out = samples.copy()
    for n in np.flatnonzero(lost):
        out[n * PACKET : (n + 1) * PACKET] = 0
    return out


def repeat(samples, lost):
    out = samples.astype(float)
    for n in np.flatnonzero(lost):
        out[n * PACKET : (n + 1) * PACKET] = 10 ** (-3 / 20) * out[(n - 1) * PACKET : n * PACKET]
    return out.round().astype(np.int16)


class Appendix1:
    """G.711 appendix I: 10 ms frames, delayed by 30 samples."""

    SHORTEST, LONGEST, FRAME, HISTORY, WINDOW, DELAY = 40, 120, 80, 390, 160, 30

    def __init__(self):
        self.history = np.zeros(self.HISTORY)
        self.erased = 0

    def good(self, frame):
        frame = frame.astype(float)
        if self.erased:
            length = min(self.quarter + 32 * (self.erased - 1), self.FRAME)
            tail = self.scaled(self.walk(length)) if self.erased > 1 else self.walk(length)
            rise = np.arange(1, length + 1) / length
            frame[:length] = (1 - rise) * tail + rise * frame[:length]
            self.erased = 0
        return self.keep(frame)

    def bad(self):
        if self.erased == 0:
            self.source = self.history.copy()
            self.pitch = self.find_pitch()
            self.quarter = self.pitch // 4
            self.last = self.source[-self.quarter :].copy()
            self.blend(1)
            self.offset = 0
            out = self.walk(self.FRAME)
        elif self.erased in (1, 2):
            offset = self.offset
            tail = self.walk(self.quarter)
            self.offset = offset % self.pitch
            self.blend(self.erased + 1)
            out = self.walk(self.FRAME)
            rise = np.arange(1, self.quarter + 1) / self.quarter
            out[: self.quarter] = (1 - rise) * tail + rise * out[: self.quarter]
            out = self.scaled(out)
        elif self.erased > 5:
            out = np.zeros(self.FRAME)
        else:
            out = self.scaled(self.walk(self.FRAME))
        self.erased += 1
        return self.keep(out)

    def blend(self, periods):
        """The last quarter of a period fades into what precedes the first of these periods."""
        self.length = periods * self.pitch
        before = len(self.source) - self.length
        rise = np.arange(1, self.quarter + 1) / self.quarter
        mixed = (1 - rise) * self.last + rise * self.source[before - self.quarter : before]
        self.source[-self.quarter :] = mixed
        if periods == 1:
            self.history[-self.quarter :] = mixed

    def walk(self, count):
        at = (self.offset + np.arange(count)) % self.length
        self.offset = (self.offset + count) % self.length
        return self.source[len(self.source) - self.length + at]

    def scaled(self, samples):
        gain = 1 - 0.2 * (self.erased - 1)
        return samples * np.maximum(gain - 0.2 / self.FRAME * np.arange(len(samples)), 0)

    def keep(self, frame):
        self.history = np.concatenate([self.history[len(frame) :], frame])
        return self.history[-self.DELAY - self.FRAME : -self.DELAY].copy()

    def find_pitch(self):
        recent = self.source[-self.WINDOW :]

        def best(lags, step):
            scores = []
            for lag in lags:
                earlier = self.source[-self.WINDOW - lag : -lag][::step]
                power = max(earlier @ earlier, 250.0)
                scores.append((recent[::step] @ earlier) / np.sqrt(power))
            return lags[int(np.argmax(scores))]

        coarse = best(range(self.SHORTEST, self.LONGEST + 1, 2), 2)
        return best(range(max(coarse - 1, self.SHORTEST), min(coarse + 1, self.LONGEST) + 1), 1)


def appendix1(samples, lost):
    concealer, out = Appendix1(), []
    padded = np.concatenate([samples, np.zeros(PACKET, np.int16)])
    for n in range(len(padded) // PACKET):
        for half in (0, 80):
            frame = padded[n * PACKET + half :][:80]
            out.append(concealer.bad() if n < len(lost) and lost[n] else concealer.good(frame))
    whole = np.concatenate(out)[Appendix1.DELAY :][: len(samples)]
    return np.clip(whole.round(), -32768, 32767).astype(np.int16)


def spandsp(samples, lost):
    library = ctypes.CDLL(ctypes.util.find_library("spandsp"))
    library.plc_init.restype = ctypes.c_void_p
    state = ctypes.c_void_p(library.plc_init(None))
    out = samples.copy()
    for n in range(len(samples) // PACKET):
        packet = out[n * PACKET : (n + 1) * PACKET]
        call = library.plc_fillin if lost[n] else library.plc_rx
        call(state, packet.ctypes.data_as(ctypes.c_void_p), PACKET)
    return out


PEERS = {"zero": zero, "repeat": repeat, "appendix1": appendix1, "spandsp": spandsp}


def ours(command, jobs):
    """Hands all clips to one process: lines of input, lost packets, output."""
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for i, (samples, lost) in enumerate(jobs):
            source, result = f"{folder}/{i}.in", f"{folder}/{i}.out"
            samples.tofile(source)
            lines.append(f"{source} {''.join('1' if bit else '0' for bit in lost)} {result}\n")
        subprocess.run(command.split(), input="".join(lines), text=True, check=True)
        return [np.fromfile(f"{folder}/{i}.out", np.int16) for i in range(len(jobs))]


# ---- the judges -----------------------------------------------------------------------------------------------------


def spectra(samples):
    blocks = samples[: len(samples) // 80 * 80].astype(float)
    frames = np.lib.stride_tricks.sliding_window_view(blocks, 160)[::80] * np.hanning(160)
    power = np.abs(np.fft.rfft(frames)) ** 2
    return 10 * np.log10(power[:, 6:68].reshape(len(frames), 31, 2).mean(2) + 1e4)


def judge(job):
    reference, heard, lost = job
    score = pesq.pesq(RATE, reference, heard, "nb")
    difference = spectra(reference) - spectra(heard)
    touched = np.repeat(lost, 2)[: len(difference)]
    distortion = np.sqrt((difference**2).mean(1))[touched] if touched.any() else np.zeros(1)
    # A click: a second difference far beyond those of the 10 ms around it, where the original has none.
    clicks = 0
    second = [np.abs(np.diff(s.astype(float), 2)) for s in (reference, heard)]
    for n in np.flatnonzero(lost):
        for edge in (n * PACKET, (n + 1) * PACKET):
            near = slice(max(edge - 4, 0), edge + 4)
            around = slice(max(edge - 80, 0), edge + 80)
            limit = 2 * np.percentile(second[0][around], 95) + 200
            clicks += len(second[1][near]) > 0 and second[1][near].max() > limit
    # Energy of lost packets beyond that of the loudest 20 ms heard within 60 ms before.
    over = -99.0
    for n in np.flatnonzero(lost):
        if n and lost[n - 1]:
            continue
        before = heard[max(n - 3, 0) * PACKET : n * PACKET].astype(float)
        power = [np.mean(before[i : i + PACKET] ** 2) for i in range(0, len(before) - PACKET + 1, 20)]
        made = np.mean(heard[n * PACKET : (n + 1) * PACKET].astype(float) ** 2)
        if power and max(power) > 1e4:
            over = max(over, 10 * np.log10(made / max(power) + 1e-9))
    return score, distortion.mean(), clicks, over


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--conceal", default="target/release/examples/conceal")
    parser.add_argument("--law", action="store_true", help="pass all through µ-law first")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--per-talker", type=int, default=9)
    parser.add_argument("--only", nargs="+", default=["zero", "repeat", "spandsp", "appendix1", "ours"])
    parser.add_argument("--rates", type=int, nargs="+", default=list(LOSSES))
    parser.add_argument("--cache", help="a file that keeps the peers' results")
    options = parser.parse_args()
    clips = clips_of(options.clips, options.per_talker)
    if options.law:
        clips = [through_mu_law(clip) for clip in clips]
    print(f"{len(clips)} clips, {sum(map(len, clips)) / RATE:.0f} s")
    known = load(options.cache)
    with multiprocessing.Pool(options.jobs) as pool:
        print(f"{'%':>3} {'method':10} {'mean':>6} {'p10':>6} {'dist dB':>8} {'clicks/min':>10} {'over dB':>8}")
        for percent in options.rates:
            lost = [np.array(lost_packets(i, percent, CLIP // PACKET)) for i in range(len(clips))]
            means = {}
            for method in options.only:
                key = (percent, method, len(clips), options.law)
                if key not in known or method == "ours":
                    jobs = list(zip(clips, lost))
                    heard = (
                        ours(options.conceal, jobs) if method == "ours" else pool.starmap(PEERS[method], jobs)
                    )
                    known[key] = np.array(pool.map(judge, list(zip(clips, heard, lost)), chunksize=4))
                result = known[key]
                means[method] = result[:, 0]
                mean, low = result[:, 0].mean(), np.percentile(result[:, 0], 10)
                minutes = sum(map(len, clips)) / RATE / 60
                print(
                    f"{percent:3} {method:10} {mean:6.3f} {low:6.3f} {result[:, 1].mean():8.2f} "
                    f"{result[:, 2].sum() / minutes:10.1f} {result[:, 3].max():8.2f}",
                    flush=True,
                )
            if "ours" in means and "appendix1" in means:
                gain = means["ours"] - means["appendix1"]
                low = np.percentile(means["ours"], 10) - np.percentile(means["appendix1"], 10)
                error = gain.std() / np.sqrt(len(gain))
                print(f"{percent:3} beyond appendix I: {gain.mean():+.3f} ± {error:.3f}, p10 {low:+.3f}")
    save(options.cache, known)


def through_mu_law(samples):
    magnitude = np.minimum(np.where(samples < 0, ~samples, samples).astype(int), 32635) + 132
    segment = np.floor(np.log2(magnitude)).astype(int) - 7
    step = 8 << segment
    middle = magnitude // step * step + step // 2 - 132
    return np.where(samples < 0, -middle, middle).astype(np.int16)


def load(path):
    if path and pathlib.Path(path).exists():
        return np.load(path, allow_pickle=True).item()
    return {}


def save(path, known):
    if path:
        np.save(path, known, allow_pickle=True)


if __name__ == "__main__":
    main()
