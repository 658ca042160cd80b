package dev.virtualip.agent.kube;

import dev.virtualip.agent.client.ApiException;
import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.Secret;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Secrets that VirtualIPs name, each read by its name: the right to list or watch some would be
 * the right to read all. They are read again every period by the clock, so that nodes whose clocks
 * agree see a new password at the same time. While the API server is away the last answer holds.
 */
final class NamedSecrets implements AutoCloseable {
  /** How often they are read. */
  static final Duration PERIOD = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(NamedSecrets.class);
  private static final long RETRY_MILLIS = 1_000;

  /** Refusals for want of the right to read it, after which there is none for this agent. */
  private static final int TRIES = 10;

  /** What Kubernetes allows. VirtualIPs may have any text, which becomes part of a path. */
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]*[a-z0-9])?");

  private final ApiServer api;
  private final String namespace;
  private final Runnable changed;
  private final long periodMillis;
  private final BlockingQueue<Boolean> wanting = new ArrayBlockingQueue<>(1);
  private final Thread thread = Thread.ofVirtual().name("secrets").unstarted(this::run);

  private Set<String> wanted = Set.of();

  /** The last answers by name; empty if there is no such Secret. */
  private final Map<String, Optional<Secret>> answers = new HashMap<>();

  private final Map<String, Integer> failures = new HashMap<>();

  /**
   * @param namespace virtualip's own namespace
   * @param changed called when {@link #secrets} may give another result; must not block
   * @param period usually {@link #PERIOD}
   */
  NamedSecrets(ApiServer api, String namespace, Runnable changed, Duration period) {
    this.api = api;
    this.namespace = namespace;
    this.changed = changed;
    periodMillis = period.toMillis();
  }

  void start() {
    thread.start();
  }

  /**
   * Reads these Secrets and no others.
   *
   * @return those among them without an answer yet: whether there is such a Secret is not known
   */
  synchronized Set<String> follow(Set<String> names) {
    wanted = Set.copyOf(names);
    answers.keySet().retainAll(wanted);
    failures.keySet().retainAll(wanted);
    var unknown = new HashSet<>(wanted);
    unknown.removeAll(answers.keySet());
    if (!failures.keySet().containsAll(unknown)) {
      wanting.offer(true);
    }
    return unknown;
  }

  /** Those that there are. */
  synchronized List<Secret> secrets() {
    return answers.values().stream().flatMap(Optional::stream).toList();
  }

  private void run() {
    try {
      long wait = periodMillis;
      while (true) {
        wanting.poll(wait, TimeUnit.MILLISECONDS);
        readAll();
        long next = periodMillis - System.currentTimeMillis() % periodMillis;
        wait = known() ? next : Math.min(next, RETRY_MILLIS);
      }
    } catch (InterruptedException _) {
      LOG.debug("secrets_closed");
    }
  }

  private void readAll() throws InterruptedException {
    for (var name : wanted()) {
      try {
        answered(name, read(name));
      } catch (ApiException e) {
        failed(name, e.getMessage(), e.code() == HttpURLConnection.HTTP_FORBIDDEN);
      } catch (IOException e) {
        failed(name, e.toString(), false);
      } catch (RuntimeException | Error e) {
        failed(name, e.toString(), true);
        Defects.goOn(e);
      }
    }
  }

  private synchronized Set<String> wanted() {
    return wanted;
  }

  private synchronized boolean known() {
    return answers.keySet().containsAll(wanted);
  }

  private Optional<Secret> read(String name) throws IOException, InterruptedException {
    if (!NAME.matcher(name).matches()) {
      return Optional.empty();
    }
    try {
      var object = api.get("api/v1/namespaces/%s/secrets/%s".formatted(namespace, name));
      return Optional.of(Kinds.secret(object));
    } catch (ApiException e) {
      if (e.code() == HttpURLConnection.HTTP_NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private synchronized void answered(String name, Optional<Secret> secret) {
    failures.remove(name);
    if (wanted.contains(name) && !secret.equals(answers.put(name, secret))) {
      changed.run();
    }
  }

  /**
   * @param refused whether that is the API server's last word; else it is in trouble, and what it
   *     will say is not known
   */
  private synchronized void failed(String name, String why, boolean refused) {
    if (!failures.containsKey(name)) {
      LOG.warn("secret_not_read name={} error=\"{}\": trying again", name, why);
    }
    int times = failures.merge(name, refused ? 1 : 0, Integer::sum);
    if (times >= TRIES && wanted.contains(name) && !answers.containsKey(name)) {
      answers.put(name, Optional.empty());
      changed.run();
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
