/**
 * Options that several commands share, and what they open: models, judges, machines, the import
 * cache.
 */
package org.autodidact.cli.options;
