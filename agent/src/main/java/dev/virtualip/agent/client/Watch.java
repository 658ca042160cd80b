package dev.virtualip.agent.client;

import java.io.IOException;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A watch: a web socket on which each message is an event. If a server vanishes, or a firewall has
 * forgotten the connection, a watch only looks idle. So an idle one is pinged.
 */
final class Watch implements WebSocket.Listener, AutoCloseable {
  private final long periodMillis;
  private final StringBuilder text = new StringBuilder();
  private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
  private volatile boolean alive = true;
  private volatile WebSocket socket;
  private volatile boolean closed;

  /**
   * What came.
   *
   * @param text null at the end
   * @param error null if the server has ended it
   */
  private record Heard(String text, Throwable error) {}

  /**
   * @param period of pings; without an answer for so long the watch is given up
   */
  Watch(Duration period) {
    periodMillis = period.toMillis();
  }

  /**
   * Waits for the next event.
   *
   * @return null if the server has ended the watch
   * @throws IOException if the connection is lost
   */
  String next() throws IOException, InterruptedException {
    var next = heard.poll(periodMillis, TimeUnit.MILLISECONDS);
    while (next == null) {
      if (!alive) {
        throw new IOException("the API server does not answer on this connection");
      }
      alive = false;
      socket.sendPing(ByteBuffer.allocate(0));
      next = heard.poll(periodMillis, TimeUnit.MILLISECONDS);
    }
    if (next.error() != null) {
      throw new IOException(next.error());
    }
    if (next.text() != null) {
      socket.request(1);
    }
    return next.text();
  }

  @Override
  public void onOpen(WebSocket opened) {
    socket = opened;
    if (closed) {
      opened.abort();
    } else {
      opened.request(1);
    }
  }

  @Override
  public CompletionStage<?> onText(WebSocket on, CharSequence data, boolean last) {
    alive = true;
    text.append(data);
    if (last) {
      heard.add(new Heard(text.toString(), null));
      text.setLength(0);
      text.trimToSize();
    } else {
      on.request(1);
    }
    return null;
  }

  @Override
  public CompletionStage<?> onPing(WebSocket on, ByteBuffer message) {
    alive = true;
    on.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onPong(WebSocket on, ByteBuffer message) {
    alive = true;
    on.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket on, int code, String reason) {
    heard.add(new Heard(null, null));
    return null;
  }

  @Override
  public void onError(WebSocket on, Throwable error) {
    heard.add(new Heard(null, error));
  }

  /** Also one that is still being opened: it would stay open on the server for minutes. */
  @Override
  public void close() {
    closed = true;
    var opened = socket;
    if (opened != null) {
      opened.abort();
    }
  }
}
