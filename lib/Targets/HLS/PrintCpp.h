// Prints a design as C++ for high-level synthesis: types, stages, ROMs and the top function.
//
// The text is plain C++11 with the vendor's ap_int.h, ap_fixed.h and hls_stream.h; every loop has a label and a constant trip count, and
// pragmas are those of docs/Targets/HLS.md.
#ifndef LAIC_LIB_TARGETS_HLS_PRINTCPP_H
#define LAIC_LIB_TARGETS_HLS_PRINTCPP_H

#include "laic/Targets/HLS/HLS.h"

#include <string>

namespace laic::hls {

/// "ap_int<8>", "ap_ufixed<16, 6>".
std::string cppType(NumType type);
/// "hls::stream<pack<ap_int<8>, 4> >".
std::string cppType(StreamType type);
/// A C++ identifier for a port or stream name.
std::string cppName(llvm::StringRef name);

/// One stage as a header of its own, with the ROM headers that it needs included.
std::string printStage(StageOp stage);
/// The numbers of a ROM as a header.
std::string printRom(RomOp rom);
/// Declaration of the top function, and its definition.
std::string printTopHeader(DesignOp design);
std::string printTop(DesignOp design);
/// For C simulation: what the ports stand for, and a function that runs one frame on raw numbers.
std::string printPorts(DesignOp design);

/// The port's stream variable, by the port's name.
inline std::string portName(PortOp port) { return cppName(port.getName()); }

} // namespace laic::hls
#endif
