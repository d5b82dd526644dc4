"""One line to one device: a thread of its own, so that it harms no other."""

import logging
import queue
import random
import threading
import time
from pathlib import Path
from typing import Final

from monitorme.contract.payloads import DeviceCommand, Durable
from monitorme.contract.topics import BedId
from monitorme.plugin import Context
from monitorme.quarantine import Quarantine
from monitorme_firmware_bridge.config import FirmwareBridgeConfig, LineConfig
from monitorme_firmware_bridge.delivery import Delivery
from monitorme_firmware_bridge.installed import find_decoder
from monitorme_firmware_bridge.numbering import Numbering
from monitorme_firmware_bridge.presence import Presence
from monitorme_firmware_bridge.session import KnownDevice, Session
from monitorme_firmware_bridge.sources import Over, Stream, find_source
from monitorme_firmware_bridge.state import LineState
from monitorme_firmware_bridge.throttle import Throttle

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.2


class Line(threading.Thread):
    """Reads a device, and connects it again when it breaks, until ended."""

    def __init__(
        self, line: LineConfig, config: FirmwareBridgeConfig, context: Context
    ) -> None:
        """Find decoder and source; raises ConfigError where there is none."""
        super().__init__(name=f"line-{line.device}", daemon=True)
        self.state = LineState(line.device)
        self._line = line
        self._config = config
        self._context = context
        self._folder: Path = context.folder / line.device
        self._make_decoder = find_decoder(line.decoder)
        self._make_decoder(line.options)
        self._source = find_source(line.source)
        self._inbox: queue.SimpleQueue[Durable | DeviceCommand] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._retry_s = FIRST_RETRY_S

    # Called from the host's thread.

    def tell(self, word: Durable | DeviceCommand) -> None:
        """Pass on what the hub says to the device."""
        self._inbox.put(word)

    def end(self) -> None:
        """End the line; what is unconfirmed stays on disk."""
        self._ending.set()

    # The line's own thread.

    def run(self) -> None:
        """Serve the device until ended, whatever happens."""
        while not self._ending.is_set():
            try:
                self._serve()
            # The boundary to the disk and to decoders: it is told, and tried again.
            except Exception as error:
                self._break(error)
                self._ending.wait(self._next_retry_s())
        self._source.close()

    def _serve(self) -> None:
        """Open the outbox, then the line again and again."""
        bed = BedId(self._line.ward, self._line.bed)
        with Delivery(
            self._context.bus,
            bed,
            self._folder,
            resend_after_s=self._config.resend_after_s,
            backlog_per_s=self._config.backlog_per_s,
            keep_confirmed_s=self._config.keep_confirmed_s,
        ) as delivery:
            known = KnownDevice(
                self._line.device,
                self._line.identity or self._line.device,
                self._context.catalogue,
                Numbering(delivery.held()),
                delivery,
                Presence(self._context, bed, self._line.device),
                self.state,
                Quarantine(self._folder),
            )
            try:
                self._attend(known)
                while not self._ending.is_set():
                    self._connect(known)
            finally:
                known.presence.offline()

    def _connect(self, known: KnownDevice) -> None:
        try:
            stream = self._source.open()
            if stream is None:
                self.state.waits("the device has not called yet")
                return
            with stream:
                self._converse(known, stream)
        except Over as over:
            log.info("line is over device=%s: %s", self._line.device, over)
            known.presence.offline()
            self._pause(known, float("inf"))
        # The boundary to a device and its decoder: whatever goes wrong with one line
        # is told, and is no other line's concern.
        except Exception as error:
            self._break(error)
            known.presence.offline()
            self._pause(known, self._next_retry_s())
        finally:
            self._attend(known)

    def _converse(self, known: KnownDevice, stream: Stream) -> None:
        decoder = self._make_decoder(self._line.options)
        session = Session(known, decoder)
        throttle = Throttle(self._config.max_bytes_per_s)
        silence_s = self._line.silence_s or self._config.silence_s
        session.begin()
        self.state.measure("connected", 1)
        heard_s = time.monotonic()
        try:
            while not self._ending.is_set():
                data, now_ms = stream.read(), self._context.now_ms()
                if data:
                    heard_s = time.monotonic()
                    answer = session.take(data, now_ms)
                    self._retry_s = FIRST_RETRY_S
                    self._hold_back(throttle.wait_s(len(data), heard_s))
                elif time.monotonic() - heard_s > silence_s:
                    raise TimeoutError(f"silent for {silence_s:g} s")
                else:
                    answer = b""
                if answer := answer + decoder.replies(now_ms):
                    stream.write(answer)
                self._attend(known)
        finally:
            self.state.measure("connected", 0)

    def _attend(self, known: KnownDevice) -> None:
        """Do what the hub says, and send again what is due."""
        while not self._inbox.empty():
            word = self._inbox.get()
            if isinstance(word, Durable):
                known.delivery.confirm(word)
            elif word.verb == "resend" and word.boot and word.from_seq:
                self._resend(known, word, word.boot, word.from_seq)
        known.delivery.go_on()
        known.presence.insist()
        self.state.measure("unconfirmed", known.delivery.unconfirmed)
        self.state.measure("dropped", known.delivery.dropped)

    def _resend(
        self, known: KnownDevice, command: DeviceCommand, boot: str, from_seq: int
    ) -> None:
        known.delivery.take_back(boot, from_seq)
        held = known.next_held(boot, from_seq)
        if held > from_seq:
            # What is asked for is gone: it says from where on we still hold.
            known.presence.held(boot, held)
        known.delivery.send_again(command)

    def _hold_back(self, seconds: float) -> None:
        if seconds > 0:
            self.state.count("throttled")
            self._ending.wait(seconds)

    def _pause(self, known: KnownDevice, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._ending.is_set():
            self._attend(known)
            self._ending.wait(0.1)

    def _next_retry_s(self) -> float:
        # Jitter spreads the lines of a ward after a terminal server's restart.
        wait_s = self._retry_s * random.uniform(0.5, 1.0)
        self._retry_s = min(self._retry_s * 2, self._config.longest_retry_s)
        return wait_s

    def _break(self, error: Exception) -> None:
        text = str(error) or type(error).__name__
        if self.state.breaks(text):
            log.warning("line broken device=%s: %s", self._line.device, text)
