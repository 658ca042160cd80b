package dev.virtualip.agent.instance;

import dev.virtualip.agent.metrics.AgentMetrics;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.AdvertisementCodec.ChecksumForm;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Decoded;
import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Decoded.Rejected;
import dev.virtualip.agent.vrrp.Freshness;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import dev.virtualip.crds.schema.VirtualIpStatus.Speaker;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives the adverts for one virtual router: decodes and counts them, and logs each kind of
 * mismatch once. Used by the event loop's thread only; times are its nanoseconds.
 */
final class AdvertReceiver {
  private static final Logger LOG = LoggerFactory.getLogger(AdvertReceiver.class);
  private static final int PEERS_NOTED_MAX = 255;

  private final AgentMetrics metrics;
  private final Runnable onSpeakers;
  private final ForeignSpeakers speakers = new ForeignSpeakers();
  private final Map<InetAddress, ChecksumForm> checksumForms = new HashMap<>();

  /**
   * Warnings logged since the last change of state or configuration, so that a flood of adverts
   * does not fill the log.
   */
  private final Set<String> warned = new HashSet<>();

  private boolean addressListWarned;

  /** When adverts began to be heard, and by the number of the path what was heard since. */
  private final Freshness unheard;

  private final Map<Integer, Freshness> freshness = new HashMap<>();

  /**
   * @param began wall clock, from when on adverts are heard
   * @param onSpeakers runs when {@link #speakers} has changed
   */
  AdvertReceiver(AgentMetrics metrics, Instant began, Runnable onSpeakers) {
    this.metrics = metrics;
    this.onSpeakers = onSpeakers;
    unheard = Freshness.begin(began, Freshness.window(0));
  }

  /**
   * How old signed adverts may be at this time, and which have been heard on a path. Each path has
   * its own marks: an advert has one sequence on all, and VLANs of one NIC the same link-local
   * address.
   *
   * @param path its number
   */
  Freshness freshness(InstanceConfig config, int path, Instant wallClock) {
    return freshness
        .getOrDefault(path, unheard)
        .at(wallClock, Freshness.window(config.router().advertInterval()));
  }

  /**
   * Decodes a datagram.
   *
   * @param path number of the path that it has come by
   * @return the advert, or null if the datagram is not a valid advert (RFC 9568 7.1)
   */
  Advertisement receive(
      InstanceConfig config, int path, Expected expected, Datagram datagram, long now) {
    return switch (AdvertisementCodec.decode(datagram, expected)) {
      case Rejected rejected -> {
        rejected(config.name(), rejected.reason(), datagram.source(), now);
        yield null;
      }
      case Accepted accepted -> {
        if (accepted.sequence() != null) {
          freshness.put(path, expected.freshness().after(datagram.source(), accepted.sequence()));
        }
        noteChecksumForm(config, datagram);
        accepted(config, accepted.advertisement(), datagram.source(), now);
        yield accepted.advertisement();
      }
    };
  }

  /** After a change of state each warning may be logged again. */
  void stateChanged() {
    warned.clear();
  }

  /** After a change of configuration each warning may be logged again. */
  void configChanged() {
    warned.clear();
    addressListWarned = false;
  }

  /** When {@link #onDeadline} is due, or {@code State.NEVER}. */
  long deadline() {
    return speakers.deadline();
  }

  /** Forgets speakers that have fallen silent. */
  void onDeadline(long now) {
    if (speakers.forget(now)) {
      onSpeakers.run();
    }
  }

  /** Routers that use this VRID but whose adverts do not match the configuration. */
  List<Speaker> speakers() {
    return speakers.counting();
  }

  /**
   * Logs once for each peer which form of checksum it sends. A router that expects the other form
   * drops our adverts.
   */
  private void noteChecksumForm(InstanceConfig config, Datagram datagram) {
    var source = datagram.source();
    if (config.router().version() == Version.V2
        || config.ipv6()
        || checksumForms.size() >= PEERS_NOTED_MAX && !checksumForms.containsKey(source)) {
      return;
    }
    var form = AdvertisementCodec.checksumForm(datagram);
    if (form != checksumForms.put(source, form)) {
      LOG.info(
          "peer_checksum vip={} source={} covers={} ours={}",
          config.name(),
          IpPrefix.text(source),
          form,
          config.checksum());
    }
  }

  private void rejected(String vip, Decoded.Reason reason, InetAddress source, long now) {
    noteSpeaker(source, reason.name(), now);
    metrics.rejected(vip, reason.name());
    if (warned.add(reason.name())) {
      LOG.warn(
          "advert_rejected vip={} reason={} source={} (more are only counted for now)",
          vip,
          reason,
          IpPrefix.text(source));
    }
  }

  private void noteSpeaker(InetAddress source, String reason, long now) {
    if (speakers.heard(source, reason, now)) {
      onSpeakers.run();
    }
  }

  private void accepted(InstanceConfig config, Advertisement advert, InetAddress source, long now) {
    metrics.received(config.name(), advert.priority());
    var theirs = Set.copyOf(advert.addresses());
    boolean differs = !theirs.equals(Set.copyOf(config.advertised()));
    if (differs) {
      metrics.differs(config.name());
    }
    if (differs && !addressListWarned) {
      LOG.warn(
          "advert_lists_other_addresses vip={} source={} theirs={} ours={}",
          config.name(),
          IpPrefix.text(source),
          theirs,
          config.advertised());
    }
    addressListWarned = differs;
    boolean tooLong = advert.interval() > config.router().maxLearnedInterval();
    if (tooLong) {
      metrics.intervalBounded(config.name());
    }
    if (tooLong && warned.add(ForeignSpeakers.LONG_INTERVAL)) {
      LOG.warn(
          "advert_interval_too_long vip={} source={} theirs={} action=\"counts as {}\"",
          config.name(),
          IpPrefix.text(source),
          Duration.ofNanos(advert.interval()),
          Duration.ofNanos(config.router().maxLearnedInterval()));
    }
    noteSpeaker(
        source,
        differs ? ForeignSpeakers.OTHER_ADDRESSES : tooLong ? ForeignSpeakers.LONG_INTERVAL : null,
        now);
    warnOfTwoOwners(config, advert, source);
  }

  private void warnOfTwoOwners(InstanceConfig config, Advertisement advert, InetAddress source) {
    boolean owners =
        config.priority() == VirtualRouterConfig.OWNER
            && advert.priority() == VirtualRouterConfig.OWNER;
    if (owners && warned.add("TwoOwners")) {
      LOG.warn(
          "two_owners vip={} source={} action=\"give priority 255 to one router at most\"",
          config.name(),
          IpPrefix.text(source));
    }
  }
}
