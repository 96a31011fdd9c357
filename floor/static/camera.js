// A photo of a paper as it leaves the phone: turned upright, no larger than it must be to be read, and nothing but the
// picture. Drawing it anew on a canvas leaves behind where and when it was taken.

const LONG_EDGE = 1600;
const QUALITIES = [0.75, 0.6, 0.45, 0.3];

const blobOf = (canvas, quality) => new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));

export async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let from = 0; from < bytes.length; from += 0x8000) text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
  return btoa(text);
}

// A JPEG of at most `most` bytes as base64; null for what is no picture, or can't be made so small.
export async function photo(file, most, longEdge = LONG_EDGE) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!picture) return null;
  const scale = Math.min(1, longEdge / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";     // a transparent picture is on white paper
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  for (const quality of QUALITIES) {
    const blob = await blobOf(canvas, quality);
    if (blob && blob.size <= most) return base64(blob);
  }
  return null;
}
