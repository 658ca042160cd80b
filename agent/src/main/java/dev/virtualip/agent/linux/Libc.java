package dev.virtualip.agent.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * The calls of the C library that netlink, raw and Unix sockets and pidfds need. A call interrupted
 * by a signal is repeated; any other failure is an {@link ErrnoException}.
 */
final class Libc {
  static final int AF_UNIX = 1;
  static final int AF_INET = 2;
  static final int AF_INET6 = 10;
  static final int AF_NETLINK = 16;
  static final int SOCK_DGRAM = 2;
  static final int SOCK_RAW = 3;
  static final int SOCK_CLOEXEC = 0x80000;
  static final int SOL_SOCKET = 1;
  static final int SO_RCVBUF = 8;
  static final int SO_BINDTODEVICE = 25;
  private static final int SO_ATTACH_FILTER = 26;
  static final int SO_RCVBUFFORCE = 33;
  static final int MSG_TRUNC = 0x20;
  static final int MSG_DONTWAIT = 0x40;
  static final short POLLIN = 1;
  private static final int EFD_CLOEXEC = 0x80000;

  /** The same on all architectures, as that of every call since Linux 5.1. */
  private static final long SYS_PIDFD_OPEN = 434;

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  /**
   * Types that functions share, since Java makes code for each type, which takes a while at the
   * start. Where a function has an int for a long, or no last argument, it does not look at the
   * rest: the calling conventions of x86-64 and arm64 pass the first six arguments in registers.
   */
  private static final FunctionDescriptor ON_NUMBERS =
      FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);

  private static final FunctionDescriptor ON_DATA =
      FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);

  private static final MethodHandle SOCKET = function("socket", ON_NUMBERS);
  private static final MethodHandle EVENTFD = function("eventfd", ON_NUMBERS);
  private static final MethodHandle CLOSE = function("close", ON_NUMBERS);

  private static final MethodHandle BIND = function("bind", ON_DATA);
  private static final MethodHandle SEND = function("send", ON_DATA);
  private static final MethodHandle RECV = function("recv", ON_DATA);
  private static final MethodHandle RECVMSG = function("recvmsg", ON_DATA);
  private static final MethodHandle READ = function("read", ON_DATA);
  private static final MethodHandle WRITE = function("write", ON_DATA);
  private static final MethodHandle SETSOCKOPT =
      function(
          "setsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle PPOLL =
      function("ppoll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

  /** Made when a datagram is sent to an address: netlink has none. */
  private static final class Addressed {
    static final MethodHandle SENDTO =
        function(
            "sendto",
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
  }

  /** The C library has pidfd_open only since glibc 2.36. */
  private static final class Pidfd {
    static final MethodHandle SYSCALL =
        function(
            "syscall",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT),
            Linker.Option.firstVariadicArg(1));
  }

  private Libc() {}

  /** Opens a socket, closed on exec; returns its descriptor. */
  static int socket(int domain, int type, int protocol) throws ErrnoException {
    return (int)
        call(
            state -> (int) SOCKET.invokeExact(state, domain, type | SOCK_CLOEXEC, protocol),
            () -> "socket(%d, %d, %d)".formatted(domain, type, protocol));
  }

  /** Opens an eventfd with counter 0, which becomes readable when it is written to. */
  static int eventfd() throws ErrnoException {
    return (int)
        call(state -> (int) EVENTFD.invokeExact(state, 0, EFD_CLOEXEC, 0), () -> "eventfd()");
  }

  static void bind(int fd, MemorySegment address) throws ErrnoException {
    call(
        state -> (int) (long) BIND.invokeExact(state, fd, address, address.byteSize(), 0),
        () -> "bind(fd %d)".formatted(fd));
  }

  /** Sets a socket option whose value is bytes. */
  static void setsockopt(int fd, int level, int option, byte[] value) throws ErrnoException {
    try (var arena = Arena.ofConfined()) {
      var pointer = arena.allocateFrom(JAVA_BYTE, value);
      call(
          state -> (int) SETSOCKOPT.invokeExact(state, fd, level, option, pointer, value.length),
          () -> "setsockopt(fd %d, %d, %d)".formatted(fd, level, option));
    }
  }

  /** Attaches a filter (struct sock_fprog, linux/filter.h): what comes later has to pass it. */
  static void attach(int fd, SocketFilter filter) throws ErrnoException {
    try (var arena = Arena.ofConfined()) {
      var instructions = filter.instructions();
      var code = arena.allocate(8L * instructions.size(), 8);
      for (int i = 0; i < instructions.size(); i++) {
        var instruction = instructions.get(i);
        code.set(JAVA_SHORT, 8L * i, (short) instruction.code());
        code.set(JAVA_BYTE, 8L * i + 2, (byte) instruction.jt());
        code.set(JAVA_BYTE, 8L * i + 3, (byte) instruction.jf());
        code.set(JAVA_INT, 8L * i + 4, instruction.k());
      }
      var program = arena.allocate(16, 8);
      program.set(JAVA_SHORT, 0, (short) instructions.size());
      program.set(ADDRESS, 8, code);
      call(
          state ->
              (int) SETSOCKOPT.invokeExact(state, fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 16),
          () -> "setsockopt(fd %d, SO_ATTACH_FILTER)".formatted(fd));
    }
  }

  /** Sets a socket option whose value is an int. */
  static void setsockopt(int fd, int level, int option, int value) throws ErrnoException {
    try (var arena = Arena.ofConfined()) {
      var pointer = arena.allocateFrom(JAVA_INT, value);
      call(
          state -> (int) SETSOCKOPT.invokeExact(state, fd, level, option, pointer, Integer.BYTES),
          () -> "setsockopt(fd %d, %d, %d, %d)".formatted(fd, level, option, value));
    }
  }

  /** Sends a datagram; returns the number of bytes sent. */
  static long send(int fd, MemorySegment data) throws ErrnoException {
    return call(
        state -> (long) SEND.invokeExact(state, fd, data, data.byteSize(), 0),
        () -> "send(fd %d, %d bytes)".formatted(fd, data.byteSize()));
  }

  /**
   * Sends a datagram to an address, without waiting for buffer space; returns the number of bytes
   * sent.
   */
  static long sendto(int fd, MemorySegment data, MemorySegment address) throws ErrnoException {
    return call(
        state ->
            (long)
                Addressed.SENDTO.invokeExact(
                    state,
                    fd,
                    data,
                    data.byteSize(),
                    MSG_DONTWAIT,
                    address,
                    (int) address.byteSize()),
        () -> "sendto(fd %d, %d bytes)".formatted(fd, data.byteSize()));
  }

  /**
   * Receives a datagram; returns its length, with MSG_TRUNC its real length even if it did not fit.
   */
  static long recv(int fd, MemorySegment into, int flags) throws ErrnoException {
    return call(
        state -> (long) RECV.invokeExact(state, fd, into, into.byteSize(), flags),
        () -> "recv(fd %d, %d bytes, flags %#x)".formatted(fd, into.byteSize(), flags));
  }

  /**
   * Waits until a descriptor is ready.
   *
   * @param pollfds array of struct pollfd
   * @param timeoutMillis -1 = wait for ever
   * @return number of descriptors that are ready, 0 after the timeout
   */
  static int poll(MemorySegment pollfds, long count, int timeoutMillis) throws ErrnoException {
    return timeoutMillis < 0
        ? ppoll(pollfds, count, MemorySegment.NULL, "ever")
        : ppoll(pollfds, count, timeoutMillis * 1_000_000L);
  }

  /**
   * Waits until a descriptor is ready, with a finer clock than {@link #poll}.
   *
   * @param pollfds array of struct pollfd
   * @param timeoutNanos 0 or more
   * @return number of descriptors that are ready, 0 after the timeout
   */
  static int ppoll(MemorySegment pollfds, long count, long timeoutNanos) throws ErrnoException {
    try (var arena = Arena.ofConfined()) {
      var timeout = arena.allocate(16, 8);
      timeout.set(JAVA_LONG, 0, timeoutNanos / 1_000_000_000L);
      timeout.set(JAVA_LONG, 8, timeoutNanos % 1_000_000_000L);
      return ppoll(pollfds, count, timeout, timeoutNanos + " ns");
    }
  }

  private static int ppoll(MemorySegment pollfds, long count, MemorySegment timeout, String told)
      throws ErrnoException {
    return (int)
        call(
            state -> (int) PPOLL.invokeExact(state, pollfds, count, timeout, MemorySegment.NULL),
            () -> "ppoll(%d descriptors, for %s)".formatted(count, told));
  }

  /**
   * Receives a datagram and what the kernel tells of it; returns the length of what fitted.
   *
   * @param message struct msghdr
   */
  static long recvmsg(int fd, MemorySegment message, int flags) throws ErrnoException {
    return call(
        state -> (long) RECVMSG.invokeExact(state, fd, message, (long) flags, 0),
        () -> "recvmsg(fd %d, flags %#x)".formatted(fd, flags));
  }

  static void write(int fd, long value) throws ErrnoException {
    try (var arena = Arena.ofConfined()) {
      var pointer = arena.allocateFrom(JAVA_LONG, value);
      call(
          state -> (long) WRITE.invokeExact(state, fd, pointer, (long) Long.BYTES, 0),
          () -> "write(fd %d, %d)".formatted(fd, value));
    }
  }

  /** Reads eight bytes: of an eventfd its counter, which becomes 0. */
  static long read(int fd) throws ErrnoException {
    try (var arena = Arena.ofConfined()) {
      var pointer = arena.allocate(JAVA_LONG);
      call(
          state -> (long) READ.invokeExact(state, fd, pointer, (long) Long.BYTES, 0),
          () -> "read(fd %d)".formatted(fd));
      return pointer.get(JAVA_LONG, 0);
    }
  }

  /**
   * Opens a descriptor of a process, closed on exec, which becomes readable when the process exits.
   *
   * @throws ErrnoException ESRCH if there is no such process; ENOSYS before Linux 5.3
   */
  static int pidfdOpen(int pid) throws ErrnoException {
    return (int)
        call(
            state -> (long) Pidfd.SYSCALL.invokeExact(state, SYS_PIDFD_OPEN, pid, 0),
            () -> "pidfd_open(%d)".formatted(pid));
  }

  /** Closes a descriptor, without a second try: Linux has released it even if it reports EINTR. */
  static void close(int fd) {
    try (var arena = Arena.ofConfined()) {
      int _ = (int) CLOSE.invokeExact(arena.allocate(STATE), fd, 0, 0);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private interface Call {
    long invoke(MemorySegment state) throws Throwable;
  }

  private static long call(Call call, Supplier<String> text) throws ErrnoException {
    try (var arena = Arena.ofConfined()) {
      var state = arena.allocate(STATE);
      while (true) {
        long result = call.invoke(state);
        if (result >= 0) {
          return result;
        }
        int errno = (int) ERRNO.get(state, 0L);
        if (errno != Errno.EINTR) {
          throw new ErrnoException(text.get(), errno);
        }
      }
    } catch (ErrnoException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /**
   * A function of the C library. Throws an Error if it is missing, since any other exception would
   * lose its message in class initialization.
   */
  @SuppressWarnings("restricted") // Native calls are what this class is for.
  private static MethodHandle function(
      String name, FunctionDescriptor type, Linker.Option... more) {
    var options = Arrays.copyOf(more, more.length + 1);
    options[more.length] = Linker.Option.captureCallState("errno");
    var linker = Linker.nativeLinker();
    var address =
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(
                () ->
                    new UnsatisfiedLinkError(
                        "the C library has no " + name + "(): run virtualip-agent on Linux"));
    try {
      return linker.downcallHandle(address, type, options);
    } catch (IllegalCallerException e) {
      var error =
          new UnsatisfiedLinkError(
              "Java forbids native calls: start it with --enable-native-access=ALL-UNNAMED");
      error.initCause(e);
      throw error;
    }
  }
}
