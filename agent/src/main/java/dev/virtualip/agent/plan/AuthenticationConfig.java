package dev.virtualip.agent.plan;

import dev.virtualip.agent.vrrp.Hmac;
import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import java.util.List;
import java.util.Map;

/**
 * The password and the keys of a VirtualIP, as far as their Secrets have them.
 *
 * @param password VRRPv2 password; null if none is asked for, or if it is missing
 * @param hmac keys of signed adverts; null if none are asked for, or if there never were good ones
 * @param missing the Secret key of a password or of keys that there are not and never were, or null
 * @param badKeys what is wrong with the keys in the Secret, or null; with {@code hmac} the former
 *     ones go on
 * @param stranger a node that has other keys, so that this one must not begin beside it, or null
 */
public record AuthenticationConfig(
    Password password, Hmac hmac, SecretKey missing, BadKeys badKeys, String stranger) {
  private static final AuthenticationConfig NONE =
      new AuthenticationConfig(null, null, null, null, null);

  /** A value of a Secret that has no keys of signed adverts, and why. */
  public record BadKeys(SecretKey secret, String problem) {}

  /** Of a valid VirtualIP. */
  static AuthenticationConfig of(VirtualIp vip, Map<SecretKey, byte[]> secrets, KeyRings rings) {
    var spec = vip.getSpec().authentication();
    if (spec == null || spec.hmac() == null) {
      rings.forget(vip.getMetadata().getName());
    }
    if (spec == null) {
      return NONE;
    }
    var of = spec.passwordSecretRef();
    var value = of == null ? null : secrets.get(of);
    var password = value == null ? null : new Password(value);
    var missing = value == null ? of : null;
    if (spec.hmac() == null) {
      return new AuthenticationConfig(password, null, missing, null, null);
    }
    var keysOf = spec.hmac().keysSecretRef();
    List<HmacKey> read = null;
    BadKeys bad = null;
    try {
      read = secrets.containsKey(keysOf) ? Hmac.parse(secrets.get(keysOf)) : null;
    } catch (IllegalArgumentException e) {
      bad = new BadKeys(keysOf, e.getMessage());
    }
    var ring = rings.update(vip, read);
    if (ring == null) {
      return new AuthenticationConfig(
          password, null, missing != null || bad != null ? missing : keysOf, bad, null);
    }
    if (read == null && bad == null) {
      bad = new BadKeys(keysOf, "it is gone");
    }
    var mode = Hmac.Mode.valueOf(spec.hmac().mode().name());
    return new AuthenticationConfig(
        password, new Hmac(mode, ring), missing, bad, rings.stranger(vip));
  }
}
