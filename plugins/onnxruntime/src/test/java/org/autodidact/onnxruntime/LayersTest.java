package org.autodidact.onnxruntime;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "org.autodidact", importOptions = ImportOption.DoNotIncludeTests.class)
class LayersTest {
  private static final String ROOT = "org.autodidact.onnxruntime";

  @ArchTest
  static final ArchRule PACKAGES_HAVE_NO_CYCLES =
      slices().matching(ROOT + ".(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule LAYERS_USE_LOWER_ONES_ONLY =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage(ROOT + "..")
          .layer("plugin")
          .definedBy(ROOT)
          .layer("cpu")
          .definedBy(ROOT + ".cpu")
          .layer("gpu")
          .definedBy(ROOT + ".gpu")
          .layer("batching")
          .definedBy(ROOT + ".batching")
          .layer("graph")
          .definedBy(ROOT + ".graph")
          .layer("vector")
          .definedBy(ROOT + ".vector")
          .layer("quantization")
          .definedBy(ROOT + ".quantization")
          .layer("backend")
          .definedBy(ROOT + ".backend")
          .layer("ort")
          .definedBy(ROOT + ".ort")
          .whereLayer("plugin")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("cpu")
          .mayOnlyBeAccessedByLayers("plugin")
          .whereLayer("gpu")
          .mayOnlyBeAccessedByLayers("plugin")
          .whereLayer("batching")
          .mayOnlyBeAccessedByLayers("plugin", "cpu", "gpu")
          .whereLayer("graph")
          .mayOnlyBeAccessedByLayers("plugin", "cpu", "gpu")
          .whereLayer("vector")
          .mayOnlyBeAccessedByLayers("plugin", "cpu")
          .whereLayer("quantization")
          .mayOnlyBeAccessedByLayers("plugin", "cpu", "graph", "vector")
          .whereLayer("backend")
          .mayOnlyBeAccessedByLayers("cpu", "gpu", "batching", "graph", "vector", "quantization");
}
