package dev.virtualip.agent.linux;

import java.io.IOException;

/** A failed system call; the message has the call, its arguments and the name of the errno. */
final class ErrnoException extends IOException {
  private static final long serialVersionUID = 1;

  private final int errno;

  ErrnoException(String call, int errno) {
    super(call + " failed: " + Errno.name(errno) + advice(errno));
    this.errno = errno;
  }

  int errno() {
    return errno;
  }

  private static String advice(int errno) {
    return switch (errno) {
      case Errno.EPERM, Errno.EACCES -> ": run it as root or with the capability NET_ADMIN";
      case Errno.EAFNOSUPPORT ->
          ": this needs Linux with netlink sockets (seccomp may forbid them)";
      default -> "";
    };
  }
}
