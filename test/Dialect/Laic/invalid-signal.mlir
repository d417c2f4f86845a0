// What shape inference refuses: signal processing.
// RUN: laic-opt --laic-infer-shapes --split-input-file --verify-diagnostics %s

func.func @dft_rank(%x: tensor<8xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %a = laic.none : none
  // expected-error @+1 {{expects the input to have at least 2 dims, got 1}}
  %y = laic.dft %x, %n, %a : (tensor<8xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dft_parts(%x: tensor<2x8x3xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %a = laic.none : none
  // expected-error @+1 {{expects the last dim of the input to be 1 (real) or 2 (complex)}}
  %y = laic.dft %x, %n, %a : (tensor<2x8x3xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dft_length(%x: tensor<2x8x2xf32>) -> tensor<*xf32> {
  %a = laic.none : none
  %n = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'dft_length' to be at least 1, got 0}}
  %y = laic.dft %x, %n, %a : (tensor<2x8x2xf32>, tensor<i64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dft_lengths(%x: tensor<2x8x2xf32>) -> tensor<*xf32> {
  %a = laic.none : none
  %n = laic.constant {value = dense<4> : tensor<2xi64>} : tensor<2xi64>
  // expected-error @+1 {{expects 'dft_length' to be one number, got 2}}
  %y = laic.dft %x, %n, %a : (tensor<2x8x2xf32>, tensor<2xi64>, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dft_axis(%x: tensor<2x8x2xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %a = laic.constant {value = dense<2> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'axis' to be one of the 2 dims before the last, got 2}}
  %y = laic.dft %x, %n, %a : (tensor<2x8x2xf32>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dft_negative_axis(%x: tensor<2x8x2xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %a = laic.constant {value = dense<-4> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'axis' to be one of the 2 dims before the last, got -1}}
  %y = laic.dft %x, %n, %a : (tensor<2x8x2xf32>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @dft_onesided_real(%x: tensor<2x8x1xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %a = laic.none : none
  // expected-error @+1 {{expects complex numbers for the inverse of a one-sided transform}}
  %y = laic.dft %x, %n, %a {inverse = 1 : i64, onesided = 1 : i64} : (tensor<2x8x1xf32>, none, none) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @stft_rank(%x: tensor<2x70xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %s = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects the signal to have rank 3, got rank 2}}
  %y = laic.stft %x, %s, %n, %l : (tensor<2x70xf32>, tensor<i64>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @stft_step(%x: tensor<2x70x1xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %s = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'frame_step' to be at least 1, got 0}}
  %y = laic.stft %x, %s, %n, %l : (tensor<2x70x1xf32>, tensor<i64>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @stft_length(%x: tensor<2x70x1xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %s = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'frame_length' to be at least 1, got 0}}
  %y = laic.stft %x, %s, %n, %l : (tensor<2x70x1xf32>, tensor<i64>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @stft_window_rank(%x: tensor<2x70x1xf32>, %w: tensor<1x8xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects the window to have rank 1, got rank 2}}
  %y = laic.stft %x, %s, %w, %l : (tensor<2x70x1xf32>, tensor<i64>, tensor<1x8xf32>, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @stft_window(%x: tensor<2x70x1xf32>, %w: tensor<9xf32>) -> tensor<*xf32> {
  %s = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects dim 0 of the window to be 8 (frame_length), got 9}}
  %y = laic.stft %x, %s, %w, %l : (tensor<2x70x1xf32>, tensor<i64>, tensor<9xf32>, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @stft_short(%x: tensor<2x70x1xf32>) -> tensor<*xf32> {
  %n = laic.none : none
  %s = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<80> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects a signal of at least one frame of 80, got 70}}
  %y = laic.stft %x, %s, %n, %l : (tensor<2x70x1xf32>, tensor<i64>, none, tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @window_size() -> tensor<*xf32> {
  %s = laic.constant {value = dense<-1> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'size' to be at least 0, got -1}}
  %y = laic.hann_window %s : (tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @window_type() -> tensor<*xf32> {
  %s = laic.constant {value = dense<4> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{has an unsupported 'output_datatype'}}
  %y = laic.hann_window %s {output_datatype = 9 : i64} : (tensor<i64>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mel_bins(%r: tensor<i64>, %f: tensor<f32>, %g: tensor<f32>) -> tensor<*xf32> {
  %b = laic.constant {value = dense<0> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<16> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'num_mel_bins' to be at least 1, got 0}}
  %y = laic.mel_weight_matrix %b, %l, %r, %f, %g : (tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mel_rate(%r: tensor<2xi64>, %f: tensor<f32>, %g: tensor<f32>) -> tensor<*xf32> {
  %b = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<16> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'sample_rate' to be one number}}
  %y = laic.mel_weight_matrix %b, %l, %r, %f, %g : (tensor<i64>, tensor<i64>, tensor<2xi64>, tensor<f32>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mel_lower(%r: tensor<i64>, %f: tensor<2xf32>, %g: tensor<f32>) -> tensor<*xf32> {
  %b = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<16> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'lower_edge_hertz' to be one number}}
  %y = laic.mel_weight_matrix %b, %l, %r, %f, %g : (tensor<i64>, tensor<i64>, tensor<i64>, tensor<2xf32>, tensor<f32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @mel_upper(%r: tensor<i64>, %f: tensor<f32>, %g: tensor<2xf32>) -> tensor<*xf32> {
  %b = laic.constant {value = dense<8> : tensor<i64>} : tensor<i64>
  %l = laic.constant {value = dense<16> : tensor<i64>} : tensor<i64>
  // expected-error @+1 {{expects 'upper_edge_hertz' to be one number}}
  %y = laic.mel_weight_matrix %b, %l, %r, %f, %g : (tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>, tensor<2xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}
