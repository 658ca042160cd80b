package dev.virtualip.agent.vrrp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.KeyRing.Report;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Keys that roll over, as one router sees it. */
class KeyRingTest {
  private static final HmacKey ONE = key(1, 1);
  private static final HmacKey TWO = key(2, 2);
  private static final KeyRing FIRST = KeyRing.begin(List.of(ONE), List.of());

  private static HmacKey key(int id, int content) {
    var bytes = new byte[HmacKey.MIN];
    Arrays.fill(bytes, (byte) content);
    return new HmacKey(id, bytes);
  }

  private static Report report(KeyRing ring) {
    return new Report(
        ring.names(), ring.kept().stream().map(HmacKey::name).toList(), ring.sends().name());
  }

  @Test
  void aFormerKeyIsKeptAndSentUntilTheOthersHaveReadTheNewOne() {
    var ring = FIRST.read(List.of(TWO));
    assertEquals(new KeyRing(List.of(TWO), List.of(ONE), ONE), ring);
    assertSame(ring, ring.told(List.of(report(ring), report(FIRST))));
    assertEquals(new KeyRing(List.of(TWO), List.of(ONE), TWO), ring.told(List.of(report(ring))));
  }

  @Test
  void aFormerKeyIsForgottenOnceNobodySendsIt() {
    var ring = FIRST.read(List.of(TWO));
    var other = ring.told(List.of(report(ring)));
    assertEquals(new KeyRing(List.of(TWO), List.of(), TWO), ring.told(List.of(report(other))));
  }

  @Test
  void anAddedKeyIsSentOnceTheOthersHaveReadIt() {
    var ring = FIRST.read(List.of(ONE, TWO));
    assertEquals(ONE, ring.told(List.of(report(FIRST))).sends());
    assertEquals(TWO, ring.told(List.of(report(ring))).sends());
  }

  @Test
  void anotherKeyWithTheSameIdIsAnotherKey() {
    var other = key(1, 7);
    var ring = FIRST.read(List.of(other));
    assertEquals(List.of(ONE), ring.kept());
    assertSame(ring, ring.told(List.of(report(FIRST))));
  }

  @Test
  void aRouterWithoutKeysHoldsTheOthersUp() {
    var ring = FIRST.read(List.of(TWO));
    assertSame(ring, ring.told(List.of(Report.NONE)));
  }

  @Test
  void aKeyThatComesBackIsNoFormerKey() {
    var ring = FIRST.read(List.of(TWO)).read(List.of(TWO, ONE));
    assertEquals(List.of(), ring.kept());
    assertEquals(ONE, ring.sends());
  }

  @Test
  void whoeverBeginsSendsWhatTheOthersHave() {
    var both = FIRST.read(List.of(ONE, TWO));
    assertEquals(TWO, KeyRing.begin(List.of(ONE, TWO), List.of()).sends());
    assertEquals(ONE, KeyRing.begin(List.of(ONE, TWO), List.of(report(FIRST))).sends());
    assertEquals(TWO, KeyRing.begin(List.of(ONE, TWO), List.of(report(both))).sends());
  }

  @Test
  void whoeverBeginsWithoutAFormerKeyDoesNotAgreeWithThoseThatSendIt() {
    var rolling = FIRST.read(List.of(TWO));
    var late = KeyRing.begin(List.of(TWO), List.of(report(rolling)));
    assertFalse(late.agreesWith(report(rolling)), "it would not hear it");
    assertTrue(late.agreesWith(report(rolling.told(List.of(report(late))))));
    assertFalse(late.agreesWith(report(FIRST)), "it would not be heard either");
    assertTrue(late.agreesWith(Report.NONE), "it sends nothing");
  }

  @Test
  void whereNobodyTellsAnythingTheFirstKeyIsSent() {
    assertEquals(ONE, KeyRing.untold(List.of(ONE, TWO)).sends());
  }
}
