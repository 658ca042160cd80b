package dev.virtualip.crds.values;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** Whom TLS trusts. */
public final class Trust {
  private Trust() {}

  /**
   * These authorities alone. Java's own 150 are not read, which takes time and 2 MiB.
   *
   * @param pem certificates, at least one
   * @throws IllegalArgumentException if they cannot be read, see {@link Certificates#parse}
   */
  public static TrustManager[] only(String pem) throws GeneralSecurityException, IOException {
    var authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null, null);
    for (var certificate : Certificates.parse(pem)) {
      authorities.setCertificateEntry("ca" + authorities.size(), certificate);
    }
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(authorities);
    return factory.getTrustManagers();
  }

  /** Any certificate, whatever its names are, as {@code curl -k} does. */
  public static TrustManager[] anybody() {
    return new TrustManager[] {new Anybody()};
  }

  private static final class Anybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
