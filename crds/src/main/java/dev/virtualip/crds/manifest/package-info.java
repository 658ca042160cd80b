/** Manifests: files of objects of the API, read as strictly as the API server reads them. */
package dev.virtualip.crds.manifest;
