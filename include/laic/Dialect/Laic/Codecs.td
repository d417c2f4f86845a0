// Decoders of media formats.
#ifndef LAIC_CODECS_TD
#define LAIC_CODECS_TD

include "laic/Dialect/Laic/HostBase.td"

def Laic_ImageDecoderOp : Laic_HostedOp<"image_decoder", "ImageDecoder", 20> {
  let description = "Height and width are what the call finds in the bytes: BMP, JPEG, JPEG 2000, PNG, PNM, TIFF or WebP.";
  let dtypes = "u8";
  let arguments = (ins Laic_Tensor:$encoded_stream, DefaultValuedAttr<StrAttr, "\"RGB\"">:$pixel_format);
  let results = (outs Laic_Tensor:$image);
}

#endif
