/** A run's configuration: one YAML or JSON file, every key checked. */
package org.autodidact.engine.config;
