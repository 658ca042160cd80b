package dev.virtualip.agent.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What a service manager is to a service: a socket to which it says how it is. */
public final class NotifyListener implements AutoCloseable {
  private final int fd;
  private final List<String> heard = new ArrayList<>();

  /** Listens on a path, or on {@code @NAME}. */
  public NotifyListener(String name) throws IOException {
    fd = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM, 0);
    try (var arena = Arena.ofConfined()) {
      Libc.bind(fd, arena.allocateFrom(ValueLayout.JAVA_BYTE, new NotifySocket(name).address()));
    }
  }

  /** All that has been said so far. */
  public List<String> heard() {
    try (var arena = Arena.ofConfined()) {
      var buffer = arena.allocate(256);
      while (true) {
        long length = Libc.recv(fd, buffer, Libc.MSG_DONTWAIT);
        var bytes = buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        heard.add(new String(bytes, StandardCharsets.UTF_8));
      }
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EAGAIN) {
        throw new AssertionError(e);
      }
      return List.copyOf(heard);
    }
  }

  @Override
  public void close() {
    Libc.close(fd);
  }
}
