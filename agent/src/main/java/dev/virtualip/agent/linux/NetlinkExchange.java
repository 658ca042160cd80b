package dev.virtualip.agent.linux;

import dev.virtualip.agent.linux.NetlinkMessage.Body;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ObjIntConsumer;

/**
 * Requests to the kernel and its answers, through one socket in the network namespace of the thread
 * that creates it. One thread at a time.
 *
 * <p>After an IOException it is unknown which requests the kernel has handled.
 *
 * @param <W> what writes the requests
 */
final class NetlinkExchange<W extends NetlinkWriter> implements AutoCloseable {
  /** The refusals of so many requests, some 1 KiB of buffer each, fit in the receive buffer. */
  private static final int BATCH_MAX = 512;

  private static final int RECEIVE_BUFFER_BYTES = 1024 * 1024;
  private static final int TIMEOUT_MILLIS = 5_000;
  private static final int DUMP_ATTEMPTS = 20;

  private static final Body.Acknowledged SUCCESS = new Body.Acknowledged(0, "");

  private final Arena arena = Arena.ofShared();
  private final NetlinkProtocol protocol;
  private final Function<ByteBuffer, W> writers;
  private final MemorySegment requests;

  /** Null after a failure: answers left unread would mix with those to the next request. */
  private NetlinkSocket socket;

  private int sequence = 1;
  private boolean closed;

  /**
   * Opens the socket.
   *
   * @param writers gives a writer to a buffer
   * @param requestBytesMax length of the longest request
   * @throws IOException if the kernel refuses
   * @throws UnsatisfiedLinkError if Java may not make native calls, or this is no Linux
   */
  NetlinkExchange(NetlinkProtocol protocol, Function<ByteBuffer, W> writers, int requestBytesMax)
      throws IOException {
    this.protocol = protocol;
    this.writers = writers;
    this.requests = arena.allocate((long) BATCH_MAX * requestBytesMax, 8);
    this.socket = open();
  }

  private NetlinkSocket open() throws IOException {
    return NetlinkSocket.open(protocol, 0, RECEIVE_BUFFER_BYTES, 0, null);
  }

  /** Writes one of several requests. */
  interface Request<W> {
    void write(W out, int index, int sequence);
  }

  /**
   * Sends requests, up to 512 in one write, and gives the answer to each. A refused one does not
   * stop the others.
   */
  List<Body.Acknowledged> acknowledged(int count, Request<W> request) throws IOException {
    var answers = new Body.Acknowledged[count];
    for (int from = 0; from < count; from += BATCH_MAX) {
      batch(answers, from, Math.min(from + BATCH_MAX, count), request);
    }
    return Arrays.stream(answers)
        .map(answer -> Objects.requireNonNullElse(answer, SUCCESS))
        .toList();
  }

  private void batch(Body.Acknowledged[] answers, int from, int to, Request<W> request)
      throws IOException {
    int first = sequence - from;
    sequence += to - from;
    exchange(
        out -> {
          for (int i = from; i < to; i++) {
            request.write(out, i, first + i);
          }
          // A datagram less to receive for each of the others.
          out.acknowledgeLast();
        },
        message -> {
          int index = message.sequence() - first;
          if (message.body() instanceof Body.Acknowledged answer && index >= from && index < to) {
            answers[index] = answer;
          }
          return answers[to - 1] != null;
        });
  }

  /**
   * Sends requests that the kernel carries out together or not at all.
   *
   * @param count requests between the two messages that enclose them
   * @return the first refusal; empty if all has been carried out
   */
  Optional<Body.Acknowledged> transaction(
      int count, ObjIntConsumer<W> begin, Request<W> request, ObjIntConsumer<W> end)
      throws IOException {
    int first = sequence;
    sequence += count + 2;
    var answers = new Body.Acknowledged[count + 2];
    exchange(
        out -> {
          begin.accept(out, first);
          for (int i = 0; i < count; i++) {
            request.write(out, i, first + 1 + i);
          }
          end.accept(out, first + count + 1);
        },
        message -> {
          int index = message.sequence() - first;
          boolean ours = index >= 0 && index < answers.length;
          if (ours && message.body() instanceof Body.Acknowledged answer) {
            answers[index] = answer;
          }
          // The two are acknowledged only if nothing else is.
          return isRefused(answers[0])
              || isRefused(answers[count + 1])
              || Arrays.stream(answers, 1, count + 1).allMatch(answer -> answer != null);
        });
    return Arrays.stream(answers).filter(NetlinkExchange::isRefused).findFirst();
  }

  private static boolean isRefused(Body.Acknowledged answer) {
    return answer != null && answer.errno() != 0;
  }

  /**
   * Sends one request and gives what comes before its acknowledgement, or before the end of the
   * dump, as far as it is wanted.
   *
   * @throws ErrnoException if the kernel refuses
   */
  <T> List<T> ask(ObjIntConsumer<W> request, Function<Body, Optional<T>> wanted)
      throws IOException {
    for (int attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      int number = sequence++;
      var bodies = new ArrayList<Body>();
      var interrupted = new boolean[1];
      exchange(
          out -> request.accept(out, number),
          message -> {
            if (message.sequence() != number) {
              return false;
            }
            interrupted[0] |= message.interrupted();
            bodies.add(message.body());
            return errno(message.body()).isPresent();
          });
      int errno = errno(bodies.getLast()).orElseThrow();
      if (errno != 0 && errno != Errno.EINTR) {
        throw new ErrnoException("netlink request", errno);
      }
      if (errno == 0 && !interrupted[0]) {
        return bodies.stream().flatMap(body -> wanted.apply(body).stream()).toList();
      }
    }
    throw new IOException(
        "netlink dump was interrupted by changes " + DUMP_ATTEMPTS + " times: try again");
  }

  /** Of the last message of an answer. */
  private static Optional<Integer> errno(Body body) {
    return switch (body) {
      case Body.Done(int errno) -> Optional.of(errno);
      case Body.Acknowledged(int errno, _) -> Optional.of(errno);
      case Body.LinkState _,
          Body.AddressState _,
          Body.RouteState _,
          Body.RuleState _,
          IpvsMessage _,
          NftMessage _,
          Body.Skipped _,
          Body.Rejected _ ->
          Optional.empty();
    };
  }

  private interface Writer<W> {
    void write(W out);
  }

  /** Handles an answer; returns whether it was the last. */
  private interface Reader {
    boolean isLast(NetlinkMessage message);
  }

  /** Sends requests in one datagram and reads until the last answer. */
  private void exchange(Writer<W> writer, Reader reader) throws IOException {
    if (closed) {
      throw new IOException("netlink is closed");
    }
    if (socket == null) {
      socket = open();
    }
    ByteBuffer out = requests.asByteBuffer().order(ByteOrder.nativeOrder());
    writer.write(writers.apply(out));
    try {
      socket.send(requests.asSlice(0, out.position()));
      receiveAll(reader);
    } catch (IOException e) {
      socket.close();
      socket = null;
      throw e;
    }
  }

  private void receiveAll(Reader reader) throws IOException {
    boolean last = false;
    while (!last) {
      var messages = socket.receive(TIMEOUT_MILLIS);
      if (messages.isEmpty()) {
        throw new IOException("netlink gave no answer within " + TIMEOUT_MILLIS + " ms");
      }
      for (var message : messages) {
        if (message.body() instanceof Body.Rejected(var reason)) {
          throw new IOException("netlink sent what it does not have: " + reason);
        }
        last |= reader.isLast(message);
      }
    }
  }

  /** Closes the socket; a second call does nothing. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    arena.close();
    if (socket != null) {
      socket.close();
    }
  }
}
