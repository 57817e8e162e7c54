import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { findControl } from "../../../functions/adapters/labeling_config.ts";
import { VOC_CLASSES } from "../../../core/voc/classes.ts";

const OURS = new URL(
  "../../../functions/adapters/label_studio/labeling_config.xml",
  import.meta.url,
);

Deno.test("findControl() reads the configuration that comes with the adapter", () => {
  const { tag, name, toName, imageKey, labelOf } = findControl(readFileSync(OURS, "utf8"));
  assert.deepEqual([tag, name, toName, imageKey], ["BrushLabels", "mask", "image", "image"]);
  assert.deepEqual(VOC_CLASSES.map(labelOf), VOC_CLASSES);
});

Deno.test("findControl() prefers brushes, then polygons, then rectangles, and skips other media", () => {
  const rectangles =
    '<RectangleLabels name="box" toName="img"><Label value="cat"/></RectangleLabels>';
  const polygons = '<PolygonLabels name="poly" toName="img"><Label value="cat"/></PolygonLabels>';
  const sound = '<BrushLabels name="brush" toName="audio"><Label value="cat"/></BrushLabels>';
  const media = '<Audio name="audio" value="$a"/><Image name="img" value="$photo"/>';
  const view = (...tags: string[]) => `<View><View>${tags.join("")}</View></View>`;
  assert.equal(findControl(view(media, sound, rectangles, polygons)).name, "poly");
  const control = findControl(view(rectangles, media, sound));
  assert.deepEqual(
    [control.tag, control.name, control.toName, control.imageKey],
    ["RectangleLabels", "box", "img", "photo"],
  );
});

Deno.test("findControl() maps classes to labels by name, alias and predicted_values", () => {
  const { labelOf } = findControl(`<?xml version="1.0"?>
    <View>
      <!-- a comment -->
      <Image name="i" value="$i"/>
      <BrushLabels name="b" toName="i">
        <View><Label value="Cat &amp; co" predicted_values="cat, tiger"/></View>
        <Label value="DOG" alias="d" background="red"/>
        <Label value="Pets" predicted_values="dog"/>
        <Label value="sheep"/>
      </BrushLabels>
    </View>`);
  assert.equal(labelOf("cat"), "Cat & co");
  assert.equal(labelOf("Tiger"), "Cat & co");
  assert.equal(labelOf("dog"), "Pets");
  assert.equal(labelOf("sheep"), "sheep");
  assert.equal(labelOf("cow"), undefined);
});

Deno.test("findControl() refuses what is no configuration for images", () => {
  const cases: [config: string, reason: RegExp][] = [
    ["", /no XML/],
    ["<View><Image name='i' value='$i'/></View>", /none of BrushLabels/],
    ["<View><BrushLabels name='b' toName='other'/></View>", /none of BrushLabels/],
    ["<View><Image", /no XML/],
    ["<View></Image>", /no XML/],
    ['<!DOCTYPE x [<!ENTITY a "b">]><View/>', /DOCTYPE/],
    [" ".repeat(300_000), /characters/],
  ];
  for (const [config, message] of cases) {
    assert.throws(() => findControl(config), { name: "OptionError", message }, config.slice(0, 50));
  }
});
