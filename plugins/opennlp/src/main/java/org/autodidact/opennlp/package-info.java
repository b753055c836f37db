/** A prompt filter by language, with OpenNLP's detector. */
package org.autodidact.opennlp;
