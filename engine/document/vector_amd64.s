//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// HALF takes the 32 bytes at D of the block at SI+AX. It leaves a bit for each byte that no
// word has in W, that is not ASCII in N, and where a phrase may begin in C.
#define HALF(D, W, N, C) \
	VMOVDQU   D(SI)(AX*1), Y0;   \
	VPMOVMSKB Y0, N;             \
	VPAND     Y7, Y0, Y1;        \
	VPSRLW    $4, Y0, Y2;        \
	VPAND     Y7, Y2, Y2;        \
	VPSHUFB   Y1, Y8, Y3;        \
	VPSHUFB   Y2, Y9, Y4;        \
	VPAND     Y3, Y4, Y3;        \
	VPCMPEQB  Y6, Y3, Y3;        \
	VPMOVMSKB Y3, W;             \
	VPSHUFB   Y1, Y10, Y3;       \
	VPSHUFB   Y2, Y11, Y4;       \
	VPAND     Y3, Y4, Y3;        \
	VMOVDQU   D+1(SI)(AX*1), Y5; \
	VPAND     Y7, Y5, Y1;        \
	VPSRLW    $4, Y5, Y2;        \
	VPAND     Y7, Y2, Y2;        \
	VPSHUFB   Y1, Y12, Y1;       \
	VPSHUFB   Y2, Y13, Y2;       \
	VPAND     Y1, Y3, Y3;        \
	VPAND     Y2, Y3, Y3;        \
	VMOVDQU   D+2(SI)(AX*1), Y4; \
	VPOR      Y4, Y5, Y5;        \
	VPAND     Y7, Y4, Y1;        \
	VPSRLW    $4, Y4, Y2;        \
	VPAND     Y7, Y2, Y2;        \
	VPSHUFB   Y1, Y14, Y1;       \
	VPSHUFB   Y2, Y15, Y2;       \
	VPAND     Y1, Y3, Y3;        \
	VPAND     Y2, Y3, Y3;        \
	VPCMPEQB  Y6, Y3, Y3;        \
	VPMOVMSKB Y3, C;             \
	NOTL      C;                 \
	VPMOVMSKB Y5, R14;           \
	ORL       R14, C

// func scanBlocks(text *byte, n int, f *beginFilter, m *blockMasks)
TEXT ·scanBlocks(SB), NOSPLIT, $0-32
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ f+16(FP), DX
	MOVQ m+24(FP), DI
	VBROADCASTI128 beginFilter_nibble(DX), Y7
	VBROADCASTI128 beginFilter_word+0(DX), Y8
	VBROADCASTI128 beginFilter_word+16(DX), Y9
	VBROADCASTI128 beginFilter_bytes+0(DX), Y10
	VBROADCASTI128 beginFilter_bytes+16(DX), Y11
	VBROADCASTI128 beginFilter_bytes+32(DX), Y12
	VBROADCASTI128 beginFilter_bytes+48(DX), Y13
	VBROADCASTI128 beginFilter_bytes+64(DX), Y14
	VBROADCASTI128 beginFilter_bytes+80(DX), Y15
	MOVQ  beginFilter_other(DX), R13
	MOVQ  blockMasks_after(DI), R12
	VPXOR Y6, Y6, Y6
	XORQ  AX, AX
block:
	HALF(0, R8, R9, R10)
	HALF(32, R11, BX, DX)
	SHLQ $32, R11
	ORQ  R11, R8
	NOTQ R8        // words
	SHLQ $32, BX
	ORQ  BX, R9    // not ASCII
	SHLQ $32, DX
	ORQ  DX, R10   // may begin a phrase
	LEAQ (R8)(R8*1), DX
	ORQ  R12, DX   // words, one on
	ANDNQ R10, DX, R10
	MOVQ R8, DX
	ORQ  R13, DX
	ANDQ DX, R10
	MOVQ R10, DX
	ORQ  R9, DX
	JNZ  done
	MOVQ R8, R12
	SHRQ $63, R12
	ADDQ $64, AX
	LEAQ 64(AX), DX
	CMPQ DX, CX
	JLE  block
done:
	VZEROUPPER
	MOVQ AX, blockMasks_at(DI)
	MOVQ R12, blockMasks_after(DI)
	MOVQ R8, blockMasks_words(DI)
	MOVQ R9, blockMasks_wide(DI)
	MOVQ R10, blockMasks_starts(DI)
	RET

// func scanPairs(text *byte, n int, p *needle) int
TEXT ·scanPairs(SB), NOSPLIT, $0-32
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ p+16(FP), DX
	MOVQ needle_gap(DX), DI
	ADDQ SI, DI
	VPBROADCASTQ needle_first+byteMatch_want(DX), Y4
	VPBROADCASTQ needle_first+byteMatch_open(DX), Y5
	VPBROADCASTQ needle_second+byteMatch_want(DX), Y6
	VPBROADCASTQ needle_second+byteMatch_open(DX), Y7
	ANDQ $~31, CX
	XORQ AX, AX
pairs:
	VPOR      (SI)(AX*1), Y5, Y0
	VPOR      (DI)(AX*1), Y7, Y1
	VPCMPEQB  Y0, Y4, Y0
	VPCMPEQB  Y1, Y6, Y1
	VPAND     Y0, Y1, Y0
	VPMOVMSKB Y0, BX
	TESTL     BX, BX
	JNZ       pair
	ADDQ      $32, AX
	CMPQ      AX, CX
	JLT       pairs
	VZEROUPPER
	MOVQ AX, ret+24(FP)
	RET
pair:
	VZEROUPPER
	BSFL BX, BX
	ADDQ BX, AX
	MOVQ AX, ret+24(FP)
	RET

// func scanSpecial(text *byte, n int) int
TEXT ·scanSpecial(SB), NOSPLIT, $0-24
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ $0x2222222222222222, AX // quotes
	MOVQ AX, X4
	VPBROADCASTQ X4, Y4
	MOVQ $0x5C5C5C5C5C5C5C5C, AX // backslashes
	MOVQ AX, X5
	VPBROADCASTQ X5, Y5
	MOVQ $0x2020202020202020, AX // above the control characters, and above what is not ASCII
	MOVQ AX, X6
	VPBROADCASTQ X6, Y6
	ANDQ $~31, CX
	XORQ AX, AX
plain:
	VMOVDQU   (SI)(AX*1), Y0
	VPCMPEQB  Y0, Y4, Y1
	VPCMPEQB  Y0, Y5, Y2
	VPCMPGTB  Y0, Y6, Y3
	VPOR      Y1, Y2, Y1
	VPOR      Y1, Y3, Y1
	VPMOVMSKB Y1, BX
	TESTL     BX, BX
	JNZ       special
	ADDQ      $32, AX
	CMPQ      AX, CX
	JLT       plain
	VZEROUPPER
	MOVQ AX, ret+16(FP)
	RET
special:
	VZEROUPPER
	BSFL BX, BX
	ADDQ BX, AX
	MOVQ AX, ret+16(FP)
	RET
