package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.RestoreAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.ConfigChanged;
import dev.virtualip.agent.vrrp.Event.PriorityChanged;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.State.Takeover;
import java.util.Arrays;
import java.util.List;

/** What holds for every step of a virtual router, whatever its state and whatever happens. */
final class StepRules {
  private final VirtualRouter before;
  private final Event event;
  private final long now;
  private final VirtualRouter after;
  private final List<Effect> effects;

  private StepRules(VirtualRouter before, Event event, long now, Step step) {
    this.before = before;
    this.event = event;
    this.now = now;
    this.after = step.router();
    this.effects = step.effects();
  }

  /**
   * The router's step, after it has been found to keep the rules.
   *
   * @throws AssertionError if it breaks one
   */
  static Step step(VirtualRouter router, Event event, long now) {
    var step = router.step(event, now);
    var rules = new StepRules(router, event, now, step);
    rules.require(step.equals(router.step(event, now)), "the same input has another outcome");
    rules.checkFields();
    rules.checkEffects();
    rules.checkStateChanged();
    rules.checkDeadline();
    rules.checkElection();
    return step;
  }

  private void require(boolean holds, String rule) {
    if (!holds) {
      throw new AssertionError(
          "%s: %s at %d: %s -> %s %s".formatted(rule, event, now, before, after, effects));
    }
  }

  private static boolean active(VirtualRouter router) {
    return router.state() instanceof Active;
  }

  /** Only the event that says so changes configuration, priority and source. */
  private void checkFields() {
    require(
        event instanceof ConfigChanged || after.config().equals(before.config()),
        "configuration changed");
    require(
        event instanceof PriorityChanged || after.priority() == before.priority(),
        "priority changed");
    require(
        event instanceof SourceChanged
            || (after.source() == null
                ? before.source() == null
                : after.source().equals(before.source())),
        "source changed");
  }

  private void checkEffects() {
    if (!active(before) && active(after)) {
      require(
          inOrder(
              List.of(
                  SendAdvertisement.class,
                  BindAddresses.class,
                  AnnounceAddresses.class,
                  StateChanged.class)),
          "becoming Active is not advert, bind, announce, tell");
      require(count(UnbindAddresses.class) == 0, "unbind while becoming Active");
    } else if (active(before) && !active(after)) {
      boolean servesOn = after.state().servesOn();
      require(
          servesOn
              ? !exclusive() && count(UnbindAddresses.class) == 0
              : inOrder(List.of(UnbindAddresses.class, StateChanged.class)),
          "left Active without unbind");
      require(
          count(BindAddresses.class)
                  + count(RestoreAddresses.class)
                  + count(AnnounceAddresses.class)
                  + count(RenewLeases.class)
              == 0,
          "addresses claimed while leaving Active");
      boolean stops = resigns();
      boolean yields = event instanceof AdvertisementReceived;
      boolean twice = event instanceof Event.Resign && !exclusive();
      require(
          count(SendAdvertisement.class) == (twice ? 2 : stops || yields ? 1 : 0),
          "adverts while leaving Active");
      require(
          !yields || inOrder(List.of(UnbindAddresses.class, SendAdvertisement.class)),
          "the winner is told before the addresses are gone");
      require(
          !stops
              || servesOn
              || inOrder(List.of(SendAdvertisement.class, UnbindAddresses.class)) != exclusive(),
          "priority 0 goes first, or with exclusive leases last");
    } else if (active(before)) {
      require(count(UnbindAddresses.class) == 0, "unbind while Active");
    } else {
      boolean claims =
          exclusive() && after.state() instanceof Backup b && b.takeover() == Takeover.Claimed;
      require(claims || count(SendAdvertisement.class) == 0, "a Backup advertises");
      require(
          count(BindAddresses.class)
                  + count(RestoreAddresses.class)
                  + count(AnnounceAddresses.class)
                  + count(RenewLeases.class)
              == 0,
          "acts as Active without being it");
    }
    for (var effect : effects) {
      if (effect instanceof SendAdvertisement advert) {
        require(
            advert.priority() == (resigns() ? 0 : after.priority()),
            "priority 0 is for leaving Active without a better one, the own one for all else");
      }
    }
  }

  /** Leaves Active of its own accord. */
  private boolean resigns() {
    return active(before) && (after.state() instanceof Initialize || event instanceof Event.Resign);
  }

  private boolean exclusive() {
    return after.config().leasePolicy() == LeasePolicy.Exclusive;
  }

  private long count(Class<? extends Effect> kind) {
    return effects.stream().filter(kind::isInstance).count();
  }

  /** Whether each of these occurs exactly once, in this order. */
  private boolean inOrder(List<Class<? extends Effect>> kinds) {
    var found = effects.stream().<Class<?>>map(Object::getClass).filter(kinds::contains).toList();
    return found.equals(kinds);
  }

  private void checkStateChanged() {
    boolean changed =
        before.state().getClass() != after.state().getClass()
            || before.state() instanceof Initialize was
                && after.state() instanceof Initialize is
                && !was.reasons().equals(is.reasons());
    require(count(StateChanged.class) == (changed ? 1 : 0), "told of a change or not, wrongly");
    if (changed) {
      require(
          effects.getLast() instanceof StateChanged told && told.state().equals(after.state()),
          "the change is not told last and as it is");
    }
  }

  private void checkDeadline() {
    long deadline = after.deadline();
    if (after.state() instanceof Initialize initialize) {
      require(
          deadline == (initialize.servesOn() ? initialize.releaseAt() : State.NEVER),
          "a deadline without taking part");
      return;
    }
    // One that has passed already stays until the timer's own event.
    require(deadline >= Math.min(now, before.deadline()), "deadline moved into the past");
    long longest = 4 * Math.max(after.config().advertInterval(), interval()) + 1_000_000_000L;
    require(
        deadline <= Math.max(now + longest, before.deadline()) || event instanceof ConfigChanged,
        "deadline too far away");
  }

  private long interval() {
    return Math.max(
        event instanceof AdvertisementReceived advert ? advert.interval() : 0,
        before.state() instanceof Backup backup ? backup.masterInterval() : 0);
  }

  /** An advert makes an Active yield if, and only if, it is better by priority, then address. */
  private void checkElection() {
    if (!(event instanceof AdvertisementReceived advert)) {
      return;
    }
    if (active(before) && before.source() != null) {
      require(active(after) == !beats(advert), "yielded, or did not yield, wrongly");
    }
    require(!active(after) || active(before), "an advert made it Active");
    boolean own = advert.priority() > 0 && advert.source().equals(before.source());
    require(
        !active(after) || own || count(SendAdvertisement.class) == 1,
        "a lower master is not answered");
    if (before.state() instanceof Initialize) {
      require(after.equals(before) && effects.isEmpty(), "takes no part, but an advert moved it");
    }
  }

  private boolean beats(AdvertisementReceived advert) {
    return advert.priority() != before.priority()
        ? advert.priority() > before.priority()
        : Arrays.compareUnsigned(advert.source().getAddress(), before.source().getAddress()) > 0;
  }
}
