"""Sound and film put into a new container with nothing but picture and sound; voices made to sound otherwise on request.

The packets of picture and sound are carried over as they are where a browser plays them; tags, places, covers, data
tracks and chapters stay behind, and so does what encoders write between the pictures (SEI). The one user of PyAV. Runs in
the worker only: what is read here may be made to harm whoever decodes it.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Protocol

import av
import av.logging
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.codec import CodecContext
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from bot.media.result import Clean, Refused

if TYPE_CHECKING:
    from av import packet

    Packet = packet.Packet[Any]

PITCH: Final = 0.78
"""Of a voice that is made to sound otherwise: a bit more than four semitones lower, at the same speed."""
RATE: Final = 24_000
"""Samples a second of what is encoded anew (super-wideband, a rate of Opus: RFC 6716 §2; twice what a voice needs)."""
BITS: Final = 48_000
MOST_SECONDS: Final = 90 * 60
"""Of sound that is encoded anew; more would not be done in the worker's time."""
MOST_SIDE: Final = 8192
READERS: Final = {
    "mp3": "mp3", "ogg": "ogg", "amr": "amr", "aac": "aac", "wav": "wav", "webm": "matroska",
    "m4a": "mov", "mp4": "mov", "mov": "mov",
}  # fmt: skip
"""By the kind that came, the one reader that may look at it: what it calls itself inside does not choose another."""
CARRIED: Final = {
    "mp3": {"mp3"},
    "ogg": {"opus", "vorbis"},
    "mp4": {"aac", "mp3", "h264", "hevc", "av1", "vp9", "mpeg4", "h263"},
    "webm": {"opus", "vp8", "vp9", "av1"},
}
"""What goes into each container as it is. Vorbis keeps its comments in what WebM copies, so there it is encoded anew."""
ALONE: Final = {"mp3": "mp3", "opus": "ogg", "vorbis": "ogg", "aac": "mp4"}
"""The container of sound alone, by how it is encoded; anything else becomes Opus."""
TYPES: Final = {"mp3": "audio/mpeg", "ogg": "audio/ogg", "mp4": "audio/mp4", "webm": "audio/webm"}
_SEI: Final = {"h264": "filter_units=remove_types=6", "hevc": "filter_units=remove_types=39|40"}
"""Supplemental enhancement information: free room for whatever a camera or encoder writes (H.264 7.4.1, H.265 7.4.2.2)."""
_OPTIONS: Final = {
    "mp4": {"fflags": "+bitexact"},
    "mp3": {"id3v2_version": "0", "fflags": "+bitexact"},
    "ogg": {"fflags": "+bitexact"},
    "webm": {"fflags": "+bitexact"},
}


_LATER: Final = (
    "subtitles.stream",
    "subtitles.codeccontext",
    "sidedata.sidedata",
    "audio.codeccontext",
    "video.codeccontext",
)


class _Track(Protocol):
    def take(self, packet: Packet | None) -> Iterator[Packet]:
        """What is to be written for a packet that was read; None when there are no more."""


def load_decoder(ending: str) -> None:
    """Import what PyAV itself leaves for later, before the process may open nothing any more; and keep it quiet."""
    for part in _LATER:
        importlib.import_module(f"av.{part}")
    av.logging.set_level(av.logging.PANIC)  # what it says could hold what is written in a file


def remuxed(content: bytes, ending: str, *, changed: bool) -> Clean:
    """A copy for viewing or hearing, with other voices where `changed`. Raises Refused for what cannot be read."""
    try:
        reading = {"protocol_whitelist": "none", "probesize": "5000000"}
        with av.open(
            io.BytesIO(content), "r", format=READERS[ending], options=reading, metadata_errors="ignore"
        ) as source:
            return _written(source, ending, changed=changed)
    except (av.FFmpegError, ValueError, EOFError, OverflowError):
        raise Refused("damaged") from None


def _written(source: InputContainer, ending: str, *, changed: bool) -> Clean:
    film = _film(source)
    sound = next((one for one in source.streams.audio if one.codec_context is not None), None)
    if film is None and sound is None:
        raise Refused("damaged")
    _check_size(source, film)
    target = _target(film, sound, ending, changed=changed)
    out = io.BytesIO()
    with av.open(out, "w", format=target, options=_OPTIONS[target]) as made:
        tracks: dict[int, _Track] = {}
        if film is not None:
            tracks[film.index] = _Carried(made, film)
        if sound is not None:
            as_is = not changed and sound.codec_context.name in _names(target)
            tracks[sound.index] = _Carried(made, sound) if as_is else _Sung(made, sound, target, changed=changed)
        wanted = [one for one in (film, sound) if one is not None]
        _carry(source, made, wanted, tracks)
    content_type = f"video/{target}" if film is not None else TYPES[target]
    shown = "m4a" if content_type == "audio/mp4" else target
    return Clean(out.getvalue(), content_type, shown, changed and sound is not None)


def _carry(source: InputContainer, made: OutputContainer, wanted: Sequence[Stream], tracks: dict[int, _Track]) -> None:
    written = 0
    for packet in source.demux(*wanted):
        if packet.size:
            for one in tracks[packet.stream.index].take(packet):
                made.mux(one)
                written += 1
    for track in tracks.values():
        for one in track.take(None):
            made.mux(one)
            written += 1
    if not written:
        raise Refused("damaged")


def _film(source: InputContainer) -> VideoStream | None:
    """The first moving picture; a cover on a sound file is none."""
    return next((one for one in source.streams.video if not one.disposition & Disposition.attached_pic), None)


def _check_size(source: InputContainer, film: VideoStream | None) -> None:
    if film is not None and max(film.codec_context.width, film.codec_context.height) > MOST_SIDE:
        raise Refused("too_large")


def _target(film: VideoStream | None, sound: AudioStream | None, ending: str, *, changed: bool) -> str:
    if film is not None:
        target = "webm" if ending == "webm" else "mp4"
        if film.codec_context.name not in _names(target):
            raise Refused("unknown")
        return target
    return "ogg" if changed or sound is None else ALONE.get(_plain(sound.codec_context.name), "ogg")


def _plain(codec: str) -> str:
    """A codec by its format, whatever the decoder of it is called."""
    return _CALLED.get(codec, codec)


_CALLED: Final = {"mp3float": "mp3", "libdav1d": "av1", "libopus": "opus", "libvpx": "vp8", "libvpx-vp9": "vp9"}


def _names(target: str) -> set[str]:
    return CARRIED[target] | {name for name, plain in _CALLED.items() if plain in CARRIED[target]}


class _Carried:
    """A track whose packets go over as they are."""

    def __init__(self, made: OutputContainer, stream: AudioStream | VideoStream) -> None:
        self._stream: Stream = made.add_stream_from_template(stream)
        without = _SEI.get(stream.codec_context.name)
        self._filter = BitStreamFilterContext(without, stream) if without else None

    def take(self, packet: Packet | None) -> Iterator[Packet]:
        found = [packet] if packet is not None else []
        if self._filter is not None:
            found = self._filter.filter(packet)
        for one in found:
            if one.dts is not None:
                one.stream = self._stream
                yield one


class _Sung:
    """Sound that is encoded anew: because browsers do not play it as it is, or so that the voice is another."""

    def __init__(self, made: OutputContainer, sound: AudioStream, target: str, *, changed: bool) -> None:
        self._decoder = _decoder(sound)
        self._changed = changed
        self._stream = made.add_stream("aac" if target == "mp4" else "libopus", rate=RATE, layout="mono")
        self._stream.bit_rate = BITS
        self._even = AudioResampler(format="fltp", layout="mono", rate=RATE)
        self._graph = _lower() if changed else None
        self._at: int | None = None

    def take(self, packet: Packet | None) -> Iterator[Packet]:
        for frame in self._decoder.decode(packet):
            if self._at is None:
                self._at = max(0, round((frame.time or 0.0) * RATE))
            yield from self._heard(self._even.resample(frame))
        if packet is None:
            yield from self._heard(self._even.resample(None))
            yield from self._heard([None])
            yield from self._stream.encode(None)

    def _heard(self, frames: list[AudioFrame] | list[None]) -> Iterator[Packet]:
        for frame in frames:
            for one in self._sounding(frame):
                one.pts, one.time_base = self._at, Fraction(1, RATE)
                self._at = (self._at or 0) + one.samples
                if self._at > MOST_SECONDS * RATE:
                    raise Refused("too_long")
                yield from self._stream.encode(one)

    def _sounding(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        if self._graph is None:
            if frame is not None:
                yield frame
            return
        if frame is not None:
            frame.pts = None
        self._graph.push(frame)
        while True:
            try:
                pulled = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(pulled, AudioFrame)  # noqa: S101 - the graph has sound only
            yield pulled


def _decoder(sound: AudioStream) -> AudioCodecContext:
    """What decodes this sound. FFmpeg's own decoder of AMR gives up where somebody stops to speak and nothing is sent."""
    named = _PATIENT.get(sound.codec_context.name)
    if named is None:
        sound.codec_context.thread_count = 1
        return sound.codec_context
    patient = CodecContext.create(named, "r")
    assert isinstance(patient, AudioCodecContext)  # noqa: S101 - both decode sound
    patient.sample_rate, patient.layout = sound.codec_context.sample_rate, "mono"
    return patient


_PATIENT: Final = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}


def _lower() -> Graph:
    """Played slower, so that all of it is lower, then stretched back to the time that it took."""
    graph = Graph()
    graph.threads = 1
    graph.link_nodes(
        graph.add_abuffer(sample_rate=RATE, format="fltp", layout="mono", time_base=Fraction(1, RATE)),
        graph.add("asetrate", str(round(RATE * PITCH))),
        graph.add("aresample", str(RATE)),
        graph.add("atempo", f"{1 / PITCH:.6f}"),
        graph.add("aformat", f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts=mono"),
        graph.add("abuffersink"),
    ).configure()
    return graph
