package dev.virtualip.agent.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The datagram socket on which a service manager listens, as sd_notify(3) describes it. */
public final class NotifySocket {
  /** Longest name in bytes, so that a path still has its NUL: sun_path of struct sockaddr_un. */
  private static final int NAME_MAX = 107;

  private final byte[] address;

  /**
   * A socket that is not yet written to.
   *
   * @param name value of {@code NOTIFY_SOCKET}: an absolute path, or {@code @} and the name of an
   *     abstract socket
   * @throws IllegalArgumentException if it is neither
   */
  public NotifySocket(String name) {
    var bytes = name.getBytes(StandardCharsets.UTF_8);
    boolean isAbstract = name.startsWith("@");
    if (!isAbstract && !name.startsWith("/") || bytes.length < 2 || bytes.length > NAME_MAX) {
      throw new IllegalArgumentException(
          "NOTIFY_SOCKET=%s: give an absolute path or @NAME, of %d bytes at most"
              .formatted(name, NAME_MAX));
    }
    if (isAbstract) {
      bytes[0] = 0;
    }
    // The length is part of an abstract name: a NUL at its end would make another one.
    address =
        ByteBuffer.allocate(Short.BYTES + bytes.length + (isAbstract ? 0 : 1))
            .order(ByteOrder.nativeOrder())
            .putShort((short) Libc.AF_UNIX)
            .put(bytes)
            .array();
  }

  /** The bytes of struct sockaddr_un. */
  byte[] address() {
    return address.clone();
  }

  /**
   * Sends one datagram; never waits.
   *
   * @param state assignments such as {@code READY=1}, one a line
   * @throws IOException if nobody listens, or not fast enough
   */
  public void send(String state) throws IOException {
    int fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM, 0);
    try (var arena = Arena.ofConfined()) {
      Libc.sendto(
          fd,
          arena.allocateFrom(ValueLayout.JAVA_BYTE, state.getBytes(StandardCharsets.UTF_8)),
          arena.allocateFrom(ValueLayout.JAVA_BYTE, address));
    } finally {
      Libc.close(fd);
    }
  }
}
