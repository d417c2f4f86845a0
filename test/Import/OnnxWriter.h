// Writes a Model back as an ONNX file, so that tests can run it elsewhere.
#ifndef LAIC_TEST_IMPORT_ONNXWRITER_H
#define LAIC_TEST_IMPORT_ONNXWRITER_H

#include "laic/Import/Onnx/Model.h"

// The file claims `opset` of ai.onnx whatever the model holds, since peers know fewer opsets than we do.
// False when it cannot be written.
bool writeOnnx(const laic::onnx::Model &model, int64_t opset, const std::string &path);

#endif
