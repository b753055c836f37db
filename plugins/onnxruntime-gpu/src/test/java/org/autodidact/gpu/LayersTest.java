package org.autodidact.gpu;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "org.autodidact.gpu",
    importOptions = ImportOption.DoNotIncludeTests.class)
class LayersTest {
  private static final String ROOT = "org.autodidact.gpu";

  @ArchTest
  static final ArchRule LAYERS_USE_LOWER_ONES_ONLY =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage(ROOT + "..")
          .layer("plugin")
          .definedBy(ROOT)
          .layer("decode")
          .definedBy(ROOT + ".decode")
          .layer("graph")
          .definedBy(ROOT + ".graph")
          .layer("memory")
          .definedBy(ROOT + ".memory")
          .layer("ort")
          .definedBy(ROOT + ".ort")
          .whereLayer("plugin")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("decode")
          .mayOnlyBeAccessedByLayers("plugin")
          .whereLayer("graph")
          .mayOnlyBeAccessedByLayers("plugin", "decode")
          .whereLayer("memory")
          .mayOnlyBeAccessedByLayers("plugin", "decode");
}
