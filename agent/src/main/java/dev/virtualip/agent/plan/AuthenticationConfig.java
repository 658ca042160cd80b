package dev.virtualip.agent.plan;

import dev.virtualip.agent.plan.InstanceConfig.BadKeys;
import dev.virtualip.agent.vrrp.Hmac;
import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.crds.schema.Authentication;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The password and the keys of a VirtualIP, as far as their Secrets have them.
 *
 * @param password null if none is asked for, or if it is missing
 * @param hmac null if none is asked for, or if there are no good keys
 * @param missing a Secret key without a value, or null
 * @param badKeys why there are no good keys, or null
 */
record AuthenticationConfig(Password password, Hmac hmac, SecretKey missing, BadKeys badKeys) {

  /** Of a valid VirtualIP. */
  static AuthenticationConfig of(VirtualIp vip, Map<SecretKey, byte[]> secrets) {
    var spec = vip.getSpec().authentication();
    if (spec == null) {
      return new AuthenticationConfig(null, null, null, null);
    }
    var of = spec.passwordSecretRef();
    var value = of == null ? null : secrets.get(of);
    var password = value == null ? null : new Password(value);
    var missing = value == null ? of : null;
    var keysOf = spec.hmac() == null ? null : spec.hmac().keysSecretRef();
    var keys = keysOf == null ? null : secrets.get(keysOf);
    if (keys == null) {
      return new AuthenticationConfig(password, null, missing == null ? keysOf : missing, null);
    }
    try {
      return new AuthenticationConfig(
          password, hmac(vip, spec.hmac(), Hmac.parse(keys)), missing, null);
    } catch (IllegalArgumentException e) {
      return new AuthenticationConfig(password, null, missing, new BadKeys(keysOf, e.getMessage()));
    }
  }

  private static Hmac hmac(
      VirtualIp vip, Authentication.HmacAuthentication spec, List<HmacKey> keys) {
    return new Hmac(
        Hmac.Mode.valueOf(spec.mode().name()), keys, Hmac.newestOfAll(keys, accepted(vip)));
  }

  /** The keys that each node says it accepts; none without an API server. */
  private static Collection<Set<Integer>> accepted(VirtualIp vip) {
    var status = vip.getStatus();
    return status == null || status.nodes() == null
        ? List.of()
        : status.nodes().values().stream()
            .map(node -> node.hmac() == null ? null : node.hmac().accepts())
            .map(ids -> ids == null ? Set.<Integer>of() : Set.copyOf(ids))
            .toList();
  }
}
