// The class of structured operations, for the families that have some of their own.
#ifndef LAIC_STRUCTURED_BASE_TD
#define LAIC_STRUCTURED_BASE_TD

include "laic/Dialect/Laic/LaicBase.td"

// Operands end with the sizes of the results' dynamic dims.
class Laic_StructuredOp<string mnemonic, list<string> overridden = [], list<Trait> traits = []>
    : Laic_Op<mnemonic, !listconcat([Pure, DeclareOpInterfaceMethods<StructuredOpInterface, overridden>], traits)>;

#endif
