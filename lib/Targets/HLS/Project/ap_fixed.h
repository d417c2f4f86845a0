//===- ap_fixed.h - Fixed-point numbers for C simulation ------------------===//
//
// Stands in for AMD's ap_fixed.h when generated HLS C++ is simulated without a vendor tool: `ap_fixed<W, I, Q, O>` and
// `ap_ufixed<W, I, Q, O>` with the result types, conversions and values of UG1399.
//
// A number is an integer of W bits times 2^-(W - I); I may be negative or greater than W. Invariants:
// * results of operators are exact, with AP_TRN and AP_WRAP; only conversion to a type rounds and overflows, by that type's
//   modes; an operator whose exact result needs more than 127 bits does not compile;
// * shifts move the bits within the type and know neither rounding nor saturation;
// * conversion to a builtin type is explicit.
//
// AMD's AP_WRAP_SM and its fifth parameter are absent, and so are strings.
//
//===----------------------------------------------------------------------===//
#ifndef LAIC_HLS_PROJECT_AP_FIXED_H
#define LAIC_HLS_PROJECT_AP_FIXED_H

#include "ap_int.h"

/// How a number between two neighbours is rounded: to the nearer one, and halves up, to zero, down, away from zero, to even;
/// or always down; or always to zero.
enum ap_q_mode { AP_RND, AP_RND_ZERO, AP_RND_MIN_INF, AP_RND_INF, AP_RND_CONV, AP_TRN, AP_TRN_ZERO };

/// What becomes of a number outside the type's range: the nearest limit, zero, the nearest limit of the range made symmetric
/// about zero, or the lowest W bits.
enum ap_o_mode { AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP };

namespace laic_hls {

constexpr double square(double x) { return x * x; }
/// 2^n, for the exponents of normal numbers.
constexpr double power_of_two(int n) {
  return n < 0 ? 1.0 / power_of_two(-n) : n == 0 ? 1.0 : square(power_of_two(n / 2)) * (n % 2 != 0 ? 2.0 : 1.0);
}

/// What to add to a number that was rounded down so that it is rounded by the mode q. Of the bits that left, `half` is the
/// first and `rest` tells whether another is set; `odd` is the last bit that stayed.
constexpr int increment(ap_q_mode q, bool negative, bool half, bool rest, bool odd) {
  return q == AP_RND           ? half
         : q == AP_RND_ZERO    ? half && (negative || rest)
         : q == AP_RND_MIN_INF ? half && rest
         : q == AP_RND_INF     ? half && (!negative || rest)
         : q == AP_RND_CONV    ? half && (odd || rest)
         : q == AP_TRN_ZERO    ? negative && (half || rest)
                               : 0;
}

/// Division by 2^D, D > 0, rounded by the mode Q. The dividend fits into layout<Word, true>.
template <int Word, int D, ap_q_mode Q> struct rounded_shift {
  typedef typename layout<Word, true>::value word;
  typedef typename layout<Word, true>::bits bits;
  static const int digits = 8 * static_cast<int>(sizeof(word));
  static const int later = D - 1; // The bits after `half`.

  static constexpr word of(word x) {
    return Q == AP_TRN ? floor(x) : floor(x) + increment(Q, x < 0, half(x), rest(x), (floor(x) & 1) != 0);
  }

private:
  static constexpr word floor(word x) { return x >> smaller(D, digits - 1); }
  static constexpr bool half(word x) { return ((x >> smaller(later, digits - 1)) & 1) != 0; }
  static constexpr bool rest(word x) {
    return later > 0 && static_cast<bits>(x) << (later > 0 && later < digits ? digits - later : 0) != 0;
  }
};

/// Brings q * 2^K, K >= 0, into a type of W bits by the mode O. The limits of the type and q fit into layout<Word, true>.
template <int W, bool S, ap_o_mode O, int K, int Word> struct fit {
  typedef layout<W, S> L;
  typedef typename L::value value;
  typedef typename layout<Word, true>::value word;

  static constexpr value of(word q) {
    return O == AP_WRAP ? wrapped(q) : q > highest() ? over() : q < lowest() ? under() : wrapped(q);
  }
  static constexpr value over() { return O == AP_SAT_ZERO ? 0 : L::max(); }
  /// In a signed type of one bit -1 is the lower limit even of the symmetric range.
  static constexpr value under() {
    return O == AP_SAT_ZERO || !S ? 0 : static_cast<value>(L::min() + (O == AP_SAT_SYM && W > 1));
  }

private:
  static const int shift = K < W ? K : 0;
  static constexpr value wrapped(word q) { return K < W ? L::wrap(static_cast<typename L::bits>(q) << shift) : 0; }
  static constexpr word highest() { return K < W ? static_cast<word>(L::max()) >> shift : 0; }
  static constexpr word lowest() {
    return !S || K >= W ? 0 : O == AP_SAT_SYM ? static_cast<word>(-highest()) : static_cast<word>(L::min()) >> shift;
  }
};

/// Conversion of W2 bits of which F2 are fraction to W bits of which F are fraction.
template <int W, int F, bool S, ap_q_mode Q, ap_o_mode O, int W2, int F2, bool S2> struct convert {
  static const int word_width = larger(W2 + !S2, W + !S) > 64 ? 127 : 64;
  static const bool rounds = F2 > F;
  typedef typename layout<word_width, true>::value word;
  typedef rounded_shift<word_width, (rounds ? F2 - F : 1), Q> round;
  typedef fit<W, S, O, (rounds ? 0 : F - F2), word_width> range;

  static constexpr typename layout<W, S>::value of(typename layout<W2, S2>::value x) {
    return range::of(rounds ? round::of(static_cast<word>(x)) : static_cast<word>(x));
  }
};

/// Conversion of a double, exact before it is rounded. Infinities overflow; what is no number becomes 0.
template <int W, int F, bool S, ap_q_mode Q, ap_o_mode O> struct convert_double {
  typedef fit<W, S, O, 0, 127> range;
  typedef typename layout<W, S>::value value;
  static constexpr double unit = power_of_two(F), tiny = 1.0 / 1024, two_to_127 = two_to_62 * two_to_62 * 8;

  static constexpr value of(double x) { return scaled(x * unit == 0 && x != 0 ? (x < 0 ? -tiny : tiny) : x * unit); }

private:
  static constexpr value scaled(double y) {
    return y > -two_to_62 && y < two_to_62     ? near(static_cast<std::int64_t>(y), y - trunc(y))
           : y > -two_to_127 && y < two_to_127 ? range::of(static_cast<int128>(y))
           : O == AP_WRAP || y != y            ? layout<W, S>::wrap(static_cast<typename layout<W, S>::bits>(bits_of(y)))
           : y < 0                             ? range::under()
                                               : range::over();
  }
  static constexpr double trunc(double y) { return static_cast<double>(static_cast<std::int64_t>(y)); }
  /// The number whole + part, neither of the opposite sign.
  static constexpr value near(std::int64_t whole, double part) {
    return rounded(whole - (part < 0), whole < 0 || part < 0, part < 0 ? part >= -0.5 : part >= 0.5,
                   part < 0 ? part != -0.5 : part != 0 && part != 0.5);
  }
  static constexpr value rounded(std::int64_t floor, bool negative, bool half, bool rest) {
    return range::of(floor + increment(Q, negative, half, rest, (floor & 1) != 0));
  }
};

/// x * 2^n in an unsigned type that has room for it.
template <class Bits, class V> constexpr Bits scale(V x, int n) { return static_cast<Bits>(x) << n; }

/// `ap_fixed<W, I, Q, O>` (S) or `ap_ufixed<W, I, Q, O>` (not S).
template <int W, int I, bool S, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP>
class fixed : public selectable<fixed<W, I, S, Q, O>> {
  typedef layout<W, S> L;
  typename L::store number;

  struct exact {};
  constexpr fixed(typename L::value x, exact) : number(static_cast<typename L::store>(x)) {}

public:
  typedef typename L::value value_type;
  typedef typename L::bits bits_type;
  static const int width = W, iwidth = I, fraction = W - I;

  fixed() = default;
  template <class T, class = enable_if<is_builtin<T>::value>> constexpr fixed(T x) : fixed(operand<T>::get(x)) {}
  constexpr fixed(double x) : fixed(convert_double<W, W - I, S, Q, O>::of(x), exact()) {}
  constexpr fixed(float x) : fixed(static_cast<double>(x)) {}
  template <int W2, bool S2>
  constexpr fixed(const integer<W2, S2> &x) : fixed(convert<W, W - I, S, Q, O, W2, 0, S2>::of(x.value()), exact()) {}
  template <int W2, int I2, bool S2, ap_q_mode Q2, ap_o_mode O2>
  constexpr fixed(const fixed<W2, I2, S2, Q2, O2> &x)
      : fixed(convert<W, W - I, S, Q, O, W2, W2 - I2, S2>::of(x.value()), exact()) {}
  template <class Owner> fixed(const range_ref<Owner> &x) : fixed(x.get()) {}
  template <class Owner> fixed(const bit_ref<Owner> &x) : fixed(x.get()) {}

  /// The number x * 2^(I - W); x must be one that W bits can hold.
  static constexpr fixed of(value_type x) { return fixed(x, exact()); }
  /// The number whose bits are the lowest W of x.
  static constexpr fixed modulo(bits_type x) { return of(L::wrap(x)); }
  constexpr value_type value() const { return static_cast<value_type>(number); }
  constexpr bits_type to_bits() const {
    return static_cast<bits_type>(number) & (static_cast<bits_type>(-1) >> layout<W, false>::spare);
  }
  void set_bits(bits_type x) { *this = modulo(x); }

  /// The integer part, rounded toward zero, modulo 2^I. With I <= 0 there is one bit, and as in AMD's C simulation a negative
  /// number sets it.
  constexpr integer<larger(I, 1), S> to_integer() const {
    typedef convert<larger(I, 1), 0, S, AP_TRN_ZERO, AP_WRAP, W, W - I, S> whole;
    return I > 0 ? integer<larger(I, 1), S>::of(whole::of(value())) : integer<larger(I, 1), S>(sign<S>::negative(value()));
  }
  constexpr int to_int() const { return to_integer().to_int(); }
  constexpr unsigned to_uint() const { return to_integer().to_uint(); }
  constexpr long long to_int64() const { return to_integer().to_int64(); }
  constexpr unsigned long long to_uint64() const { return to_integer().to_uint64(); }
  constexpr double to_double() const { return static_cast<double>(number) * unit; }
  constexpr float to_float() const { return static_cast<float>(static_cast<double>(static_cast<float>(number)) * unit); }
  constexpr int length() const { return W; }

  template <int W2, bool S2> constexpr operator integer<W2, S2>() const { return to_integer(); }
  explicit constexpr operator bool() const { return number != 0; }
  explicit constexpr operator double() const { return to_double(); }
  explicit constexpr operator float() const { return to_float(); }
  template <class T, class = enable_if<is_builtin<T>::value && !std::is_same<T, bool>::value>>
  explicit constexpr operator T() const {
    return static_cast<T>(to_integer().to_builtin());
  }

  constexpr bool operator!() const { return number == 0; }
  constexpr fixed operator+() const { return *this; }
  constexpr fixed<W + 1, I + 1, true> operator-() const {
    return fixed<W + 1, I + 1, true>::modulo(0 - scale<typename layout<W + 1, true>::bits>(value(), 0));
  }
  constexpr fixed<W, I, S> operator~() const { return fixed<W, I, S>::modulo(~static_cast<bits_type>(number)); }
  fixed &operator++() { return *this += 1; }
  fixed &operator--() { return *this -= 1; }
  fixed operator++(int) {
    fixed before = *this;
    ++*this;
    return before;
  }
  fixed operator--(int) {
    fixed before = *this;
    --*this;
    return before;
  }

// The result of the operator, converted to this type by its modes.
#define LAIC_HLS_COMPOUND(OP, ASSIGN)                                                                                            \
  template <class T> fixed &operator ASSIGN(T x) { return *this = fixed(*this OP x); }
  LAIC_HLS_COMPOUND(+, +=)
  LAIC_HLS_COMPOUND(-, -=)
  LAIC_HLS_COMPOUND(*, *=)
  LAIC_HLS_COMPOUND(/, /=)
  LAIC_HLS_COMPOUND(&, &=)
  LAIC_HLS_COMPOUND(|, |=)
  LAIC_HLS_COMPOUND(^, ^=)
  LAIC_HLS_COMPOUND(<<, <<=)
  LAIC_HLS_COMPOUND(>>, >>=)
#undef LAIC_HLS_COMPOUND

private:
  static constexpr double unit = power_of_two(I - W);
};
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O> const int fixed<W, I, S, Q, O>::width;
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O> const int fixed<W, I, S, Q, O>::iwidth;
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O> const int fixed<W, I, S, Q, O>::fraction;

/// What may stand beside a fixed<...> in an operator, and the number that it counts as there, without its modes.
template <class T, class = void> struct fixed_operand {
  static const bool valid = false, is_fixed = false;
};
template <class T> struct fixed_of;
template <int W, bool S> struct fixed_of<integer<W, S>> {
  typedef fixed<W, W, S> type;
};
template <class T> struct fixed_operand<T, enable_if<operand<T>::valid>> {
  static const bool valid = true, is_fixed = false;
  typedef typename fixed_of<typename operand<T>::type>::type type;
  static constexpr type get(const T &x) { return type::of(operand<T>::get(x).value()); }
};
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O> struct fixed_operand<fixed<W, I, S, Q, O>, void> {
  static const bool valid = true, is_fixed = true;
  typedef fixed<W, I, S> type;
  static constexpr type get(const fixed<W, I, S, Q, O> &x) { return type::of(x.value()); }
};

/// UG1399's result types: each holds every result exactly, the quotient rounded toward zero (but see `division`).
template <int W1, int I1, bool S1, int W2, int I2, bool S2> struct promote_fixed {
  static const int F1 = W1 - I1, F2 = W2 - I2, F = larger(F1, F2);
  static const int I = larger(I1 + (S2 && !S1), I2 + (S1 && !S2));
  typedef fixed<W1 + W2, I1 + I2, S1 || S2> product;
  typedef fixed<I + 1 + F, I + 1, S1 || S2> sum;
  typedef fixed<I + 1 + F, I + 1, true> difference;
  typedef fixed<I + F, I, S1 || S2> logic;
  typedef fixed<S2 + W1 + larger(F2, 0), S2 + I1 + F2, S1 || S2> quotient;
  /// AMD's C simulation divides in this width, in which the least number divided by -1 is itself.
  static const int division = larger(W1 + larger(F2, 0) + (S2 && !S1), W2 + (S1 && !S2));
};

/// The operators of two fixed-point numbers without modes: the types of their results, and the results.
template <class A, class B> struct fixed_pair;
template <int W1, int I1, bool S1, int W2, int I2, bool S2>
struct fixed_pair<fixed<W1, I1, S1>, fixed<W2, I2, S2>> : promote_fixed<W1, I1, S1, W2, I2, S2> {
  typedef promote_fixed<W1, I1, S1, W2, I2, S2> types;
  typedef fixed<W1, I1, S1> left;
  typedef fixed<W2, I2, S2> right;
  typedef bool truth;

  static constexpr typename types::product mul(left a, right b) {
    typedef typename types::product::bits_type bits;
    return types::product::modulo(static_cast<bits>(a.value()) * static_cast<bits>(b.value()));
  }
  static constexpr typename types::quotient div(left a, right b) {
    return types::quotient::modulo(static_cast<typename types::quotient::bits_type>(narrow::wrap(static_cast<narrow_bits>(
        static_cast<wide>(scale<wide_bits>(a.value(), larger(types::F2, 0))) / static_cast<wide>(b.value())))));
  }
#define LAIC_HLS_ALIGNED(NAME, TYPE, OP)                                                                                         \
  static constexpr typename types::TYPE NAME(left a, right b) {                                                                  \
    typedef typename types::TYPE::bits_type bits;                                                                                \
    return types::TYPE::modulo(scale<bits>(a.value(), types::F - types::F1) OP scale<bits>(b.value(), types::F - types::F2));    \
  }
  LAIC_HLS_ALIGNED(add, sum, +)
  LAIC_HLS_ALIGNED(sub, difference, -)
  LAIC_HLS_ALIGNED(conjunction, logic, &)
  LAIC_HLS_ALIGNED(disjunction, logic, |)
  LAIC_HLS_ALIGNED(parity, logic, ^)
#undef LAIC_HLS_ALIGNED
  static constexpr bool equal(left a, right b) { return order::equal(first(a), second(b)); }
  static constexpr bool unequal(left a, right b) { return !equal(a, b); }
  static constexpr bool less(left a, right b) { return order::less(first(a), second(b)); }
  static constexpr bool greater(left a, right b) { return reverse::less(second(b), first(a)); }
  static constexpr bool not_less(left a, right b) { return !less(a, b); }
  static constexpr bool not_greater(left a, right b) { return !greater(a, b); }

private:
  typedef layout<types::division, S1 || S2> narrow;
  typedef layout<types::division + (S1 || S2), S1 || S2> room; // For the one quotient that `narrow` does not hold.
  typedef typename narrow::bits narrow_bits;
  typedef typename room::value wide;
  typedef typename room::bits wide_bits;

  // Comparison is that of two integers, once both have the same fraction; their widths matter when the signedness is mixed.
  static const int aligned1 = W1 + (types::F > types::F1 ? types::F - types::F1 + 1 : 0);
  static const int aligned2 = W2 + types::F - types::F2;
  typedef layout<aligned1, S1> L1;
  typedef layout<aligned2, S2> L2;
  typedef compare<aligned1, S1, aligned2, S2> order;
  typedef compare<aligned2, S2, aligned1, S1> reverse;
  static constexpr typename L1::value first(left a) {
    return static_cast<typename L1::value>(scale<typename L1::bits>(a.value(), types::F - types::F1));
  }
  static constexpr typename L2::value second(right b) {
    return static_cast<typename L2::value>(scale<typename L2::bits>(b.value(), types::F - types::F2));
  }
};

/// fixed_pair for operands of which at least one is a fixed<...>; empty otherwise, so that the operators do not apply.
template <class A, class B,
          bool = fixed_operand<A>::valid && fixed_operand<B>::valid && (fixed_operand<A>::is_fixed || fixed_operand<B>::is_fixed)>
struct fixeds {};
template <class A, class B>
struct fixeds<A, B, true> : fixed_pair<typename fixed_operand<A>::type, typename fixed_operand<B>::type> {};

#define LAIC_HLS_BINARY(OP, TYPE, NAME)                                                                                          \
  template <class A, class B> constexpr typename fixeds<A, B>::TYPE operator OP(A a, B b) {                                      \
    return fixeds<A, B>::NAME(fixed_operand<A>::get(a), fixed_operand<B>::get(b));                                               \
  }
LAIC_HLS_BINARY(*, product, mul)
LAIC_HLS_BINARY(+, sum, add)
LAIC_HLS_BINARY(-, difference, sub)
LAIC_HLS_BINARY(/, quotient, div)
LAIC_HLS_BINARY(&, logic, conjunction)
LAIC_HLS_BINARY(|, logic, disjunction)
LAIC_HLS_BINARY(^, logic, parity)
LAIC_HLS_BINARY(==, truth, equal)
LAIC_HLS_BINARY(!=, truth, unequal)
LAIC_HLS_BINARY(<, truth, less)
LAIC_HLS_BINARY(>, truth, greater)
LAIC_HLS_BINARY(<=, truth, not_greater)
LAIC_HLS_BINARY(>=, truth, not_less)
#undef LAIC_HLS_BINARY

/// Shifts keep the type and move the bits.
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, class T>
constexpr enable_if<operand<T>::valid, fixed<W, I, S, Q, O>> operator<<(fixed<W, I, S, Q, O> a, T n) {
  return fixed<W, I, S, Q, O>::of(shift<W, S>::left(a.value(), distance_of(n)));
}
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, class T>
constexpr enable_if<operand<T>::valid, fixed<W, I, S, Q, O>> operator>>(fixed<W, I, S, Q, O> a, T n) {
  return fixed<W, I, S, Q, O>::of(shift<W, S>::right(a.value(), distance_of(n)));
}

// With a floating-point number, comparison alone; with an integer on the left, compound assignment of the integer part.
#define LAIC_HLS_COMPARE_FLOATING(OP)                                                                                            \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, class F>                                                             \
  constexpr enable_if<std::is_floating_point<F>::value, bool> operator OP(fixed<W, I, S, Q, O> a, F b) {                         \
    return a.to_double() OP static_cast<double>(b);                                                                              \
  }                                                                                                                              \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, class F>                                                             \
  constexpr enable_if<std::is_floating_point<F>::value, bool> operator OP(F a, fixed<W, I, S, Q, O> b) {                         \
    return static_cast<double>(a) OP b.to_double();                                                                              \
  }
LAIC_HLS_COMPARE_FLOATING(==)
LAIC_HLS_COMPARE_FLOATING(!=)
LAIC_HLS_COMPARE_FLOATING(<)
LAIC_HLS_COMPARE_FLOATING(>)
LAIC_HLS_COMPARE_FLOATING(<=)
LAIC_HLS_COMPARE_FLOATING(>=)
#undef LAIC_HLS_COMPARE_FLOATING

#define LAIC_HLS_COMPOUND(OP)                                                                                                    \
  template <int V, bool T, int W, int I, bool S, ap_q_mode Q, ap_o_mode O>                                                       \
  integer<V, T> &operator OP(integer<V, T> &a, const fixed<W, I, S, Q, O> &b) {                                                  \
    return a OP b.to_integer();                                                                                                  \
  }
LAIC_HLS_COMPOUND(+=)
LAIC_HLS_COMPOUND(-=)
LAIC_HLS_COMPOUND(*=)
LAIC_HLS_COMPOUND(/=)
LAIC_HLS_COMPOUND(&=)
LAIC_HLS_COMPOUND(|=)
LAIC_HLS_COMPOUND(^=)
#undef LAIC_HLS_COMPOUND

} // namespace laic_hls

template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP> using ap_fixed = laic_hls::fixed<W, I, true, Q, O>;
template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP> using ap_ufixed = laic_hls::fixed<W, I, false, Q, O>;

#endif
